DROP POLICY usage_ingest_insert ON usage_logs;
DROP POLICY usage_ingest_insert ON credit_purchases;
DROP POLICY usage_ingest_select ON users;
REVOKE ALL ON usage_logs, credit_purchases, users FROM usage_ingest; -- rights on columns go along
REVOKE USAGE ON SCHEMA public FROM usage_ingest;
