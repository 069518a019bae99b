-- Who writes over HTTP has a role that adds rows, and reads none but users' ids: as in 0008, roles belong to the whole server.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usage_ingest') THEN
        CREATE ROLE usage_ingest NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE 'The role usage_ingest is missing, and % may not create roles.', current_user
            USING ERRCODE = 'insufficient_privilege', HINT = 'Have somebody who may run, once for the whole server: CREATE ROLE usage_ingest NOLOGIN;';
END
$$;

-- As in 0008, in one order with writers; and with the lock this session hears of a role that another database has just made.
LOCK TABLE users, usage_logs, credit_purchases IN ACCESS EXCLUSIVE MODE;

GRANT USAGE ON SCHEMA public TO usage_ingest;
SELECT usage_protect('api_keys'::regclass), usage_protect('ingest_ids'::regclass), usage_protect('ingest_requests'::regclass);

GRANT INSERT ON usage_logs, credit_purchases TO usage_ingest;
GRANT SELECT (id) ON users TO usage_ingest;
GRANT SELECT, INSERT ON ingest_ids TO usage_ingest;
GRANT SELECT, INSERT, UPDATE (inserted, repeated) ON ingest_requests TO usage_ingest;
GRANT SELECT, UPDATE (last_used_at) ON api_keys TO usage_ingest;
CREATE POLICY usage_ingest_insert ON usage_logs FOR INSERT TO usage_ingest WITH CHECK (true);
CREATE POLICY usage_ingest_insert ON credit_purchases FOR INSERT TO usage_ingest WITH CHECK (true);
CREATE POLICY usage_ingest_select ON users FOR SELECT TO usage_ingest USING (true);
CREATE POLICY usage_ingest_all ON ingest_ids TO usage_ingest USING (true);
CREATE POLICY usage_ingest_all ON ingest_requests TO usage_ingest USING (true);
CREATE POLICY usage_ingest_all ON api_keys TO usage_ingest USING (true);

-- Owners look after keys; the elected instance takes away what nobody will ask for any more.
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO usage_admin;
CREATE POLICY usage_admin_all ON api_keys TO usage_admin USING (true);
GRANT SELECT, DELETE ON ingest_ids, ingest_requests TO usage_rollup;
CREATE POLICY usage_rollup_all ON ingest_ids TO usage_rollup USING (true);
CREATE POLICY usage_rollup_all ON ingest_requests TO usage_rollup USING (true);

-- Batches are copied into a temporary table first, which everybody may make unless somebody has revoked it; only the database's owner can
-- grant it again.
DO $$
BEGIN
    IF NOT has_database_privilege('usage_ingest', current_database(), 'TEMPORARY') THEN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO usage_ingest', current_database());
    END IF;
END
$$;
