DROP FUNCTION usage_logs_append_deltas() CASCADE;
DROP FUNCTION credit_purchases_append_deltas() CASCADE;
DROP FUNCTION users_append_deltas() CASCADE;
DROP FUNCTION usage_request_rebuild() CASCADE;
DROP FUNCTION usage_wake_rollup();
DROP INDEX ux_users_email;
