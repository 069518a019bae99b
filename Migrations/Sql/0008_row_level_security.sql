-- Who may see what is decided here, by PostgreSQL: what the site gets wrong shows too little, never somebody else's rows.
-- Each duty is a role of its own with a policy of its own: one policy with "is admin OR own row" would be planned for neither.

-- Roles belong to the whole cluster: other databases may have made them, or make them at this moment.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['usage_rollup', 'usage_admin', 'usage_member', 'usage_writer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE 'The role % is missing, and % may not create roles.', role_name, current_user
                        USING ERRCODE = 'insufficient_privilege',
                              HINT = 'Have somebody who may run, once for the whole server: '
                                  'CREATE ROLE usage_rollup NOLOGIN; CREATE ROLE usage_admin NOLOGIN; '
                                  'CREATE ROLE usage_member NOLOGIN; CREATE ROLE usage_writer NOLOGIN; CREATE ROLE usage_ingest NOLOGIN;';
            END;
        END IF;
    END LOOP;
END
$$;

-- Writers and this migration must take these in one order, or one of them ends in a deadlock.
LOCK TABLE users, usage_logs, credit_purchases IN ACCESS EXCLUSIVE MODE;

GRANT USAGE ON SCHEMA public TO usage_rollup, usage_admin, usage_member, usage_writer;

-- Passwords of the logins that the site makes for itself. Made by the server, so that no statement or log ever has one.
CREATE TABLE site_logins (
    role text NOT NULL CONSTRAINT pk_site_logins PRIMARY KEY,
    password text NOT NULL DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
);

-- Row-level security on a table, for its owner too: what the triggers and definer functions do, they do as the owner.
CREATE FUNCTION usage_protect(of_table regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_table);
    EXECUTE format('DROP POLICY IF EXISTS owner_all ON %s', of_table);
    EXECUTE format('CREATE POLICY owner_all ON %s TO %s USING (true) WITH CHECK (true)', of_table,
                   (SELECT relowner::regrole FROM pg_class WHERE oid = of_table));
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', of_table);
END
$$;
REVOKE EXECUTE ON FUNCTION usage_protect(regclass) FROM PUBLIC;

SELECT usage_protect(c.oid)
FROM pg_class c
WHERE c.oid IN ('users'::regclass, 'usage_logs'::regclass, 'usage_archive'::regclass, 'credit_purchases'::regclass, 'usage_deltas'::regclass,
                'usage_totals'::regclass, 'usage_activity'::regclass, 'usage_days'::regclass, 'usage_hours'::regclass, 'rollup_state'::regclass,
                'accounts'::regclass, 'account_claims'::regclass, 'account_logins'::regclass, 'account_tokens'::regclass, 'sessions'::regclass,
                'audit_log'::regclass, 'data_protection_keys'::regclass, 'site_logins'::regclass)
   OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = 'usage_logs'::regclass);

-- Whoever was granted rights on the product's tables goes on using them.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT a.of_table, string_agg(DISTINCT a.grantee::regrole::text, ', ') AS grantees
        FROM (SELECT c.oid::regclass AS of_table, c.relowner, a.grantee FROM pg_class c, aclexplode(c.relacl) a
              UNION ALL
              SELECT c.oid::regclass, c.relowner, a.grantee
              FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a) a
        WHERE a.grantee NOT IN (0, a.relowner)
          AND a.grantee::regrole::text NOT IN ('usage_rollup', 'usage_admin', 'usage_member', 'usage_writer')
          AND a.of_table IN ('users'::regclass, 'usage_logs'::regclass, 'usage_archive'::regclass, 'credit_purchases'::regclass,
                             'usage_totals'::regclass, 'usage_activity'::regclass, 'usage_days'::regclass, 'usage_hours'::regclass)
        GROUP BY a.of_table
    LOOP
        EXECUTE format('CREATE POLICY granted_before ON %s TO %s USING (true) WITH CHECK (true)', granted.of_table, granted.grantees);
    END LOOP;
END
$$;

-- Rights and policies of the four roles. A member's identity is set for a transaction at a time; without it there are no rows.
DO $$
DECLARE
    own constant text := '(SELECT nullif(current_setting(''usage.user_id'', true), '''')::uuid)';
    rule record;
BEGIN
    FOR rule IN
        SELECT * FROM (VALUES
            ('users',                'usage_rollup', 'SELECT', 'SELECT',                         'true'),
            ('usage_logs',           'usage_rollup', 'SELECT', 'SELECT',                         'true'),
            ('usage_archive',        'usage_rollup', 'SELECT', 'SELECT',                         'true'),
            ('credit_purchases',     'usage_rollup', 'SELECT', 'SELECT',                         'true'),
            ('usage_deltas',         'usage_rollup', 'ALL',    'SELECT, INSERT, DELETE',         'true'),
            ('usage_totals',         'usage_rollup', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('usage_activity',       'usage_rollup', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('usage_days',           'usage_rollup', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('usage_hours',          'usage_rollup', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('rollup_state',         'usage_rollup', 'ALL',    'SELECT, UPDATE (time_zone)',     'true'),

            ('users',                'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_logs',           'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_archive',        'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('credit_purchases',     'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_deltas',         'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_totals',         'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_activity',       'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_days',           'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('usage_hours',          'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('rollup_state',         'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('accounts',             'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('account_claims',       'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('account_logins',       'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('account_tokens',       'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('sessions',             'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('data_protection_keys', 'usage_admin',  'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('audit_log',            'usage_admin',  'SELECT', 'SELECT',                         'true'),
            ('audit_log',            'usage_admin',  'INSERT', 'INSERT',                         'true'),

            ('users',                'usage_member', 'SELECT', 'SELECT',                         'id = ' || own),
            ('usage_logs',           'usage_member', 'SELECT', 'SELECT',                         'user_id = ' || own),
            ('credit_purchases',     'usage_member', 'SELECT', 'SELECT',                         'user_id = ' || own),
            ('usage_totals',         'usage_member', 'SELECT', 'SELECT',                         'user_id = ' || own),
            ('usage_days',           'usage_member', 'SELECT', 'SELECT',                         'user_id = ' || own),

            ('users',                'usage_writer', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('usage_logs',           'usage_writer', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true'),
            ('credit_purchases',     'usage_writer', 'ALL',    'SELECT, INSERT, UPDATE, DELETE', 'true')
        ) rules (of_table, role_name, command, privileges, condition)
    LOOP
        EXECUTE format('GRANT %s ON %I TO %I', rule.privileges, rule.of_table, rule.role_name);
        EXECUTE format('CREATE POLICY %I ON %I FOR %s TO %I %s (%s)',
                       rule.role_name || '_' || lower(rule.command), rule.of_table, rule.command, rule.role_name,
                       CASE rule.command WHEN 'INSERT' THEN 'WITH CHECK' ELSE 'USING' END, rule.condition);
    END LOOP;
END
$$;

-- A site without the owner's rights still tells whether migrations are missing, keeps the rollup awake and makes partitions.
GRANT SELECT ON "__EFMigrationsHistory" TO usage_admin;
GRANT UPDATE ON SEQUENCE usage_rollup_awake_until TO usage_rollup;

-- As in 0003, but with the owner's rights, for whoever may call it; and a new partition is protected before it has a row.
CREATE OR REPLACE FUNCTION usage_logs_add_partition(of_month timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS
$$
DECLARE
    month_start timestamptz := date_trunc('month', of_month);
    month_end timestamptz := date_trunc('month', of_month) + interval '1 month';
    partition text := to_char(of_month, '"usage_logs_y"YYYY"m"MM');
BEGIN
    -- Two instances may make it at once: the second waits here, and finds it made.
    LOCK TABLE ONLY public.usage_logs IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    IF month_start < now() + interval '1 day'
       OR EXISTS (SELECT FROM public.usage_logs_default WHERE created_at >= month_start AND created_at < month_end) THEN
        -- A reader that was planned without the new partition would miss the rows that move there, and a writer on its way to the default
        -- one be refused there. The table before its partitions, as writers lock them: the other way round, one that waits for a
        -- partition would keep us from the table for ever.
        LOCK TABLE public.usage_logs IN ACCESS EXCLUSIVE MODE;
    ELSE
        LOCK TABLE public.usage_logs_default IN ACCESS EXCLUSIVE MODE;
        IF EXISTS (SELECT FROM public.usage_logs_default WHERE created_at >= month_start AND created_at < month_end) THEN
            RAISE 'rows of % came meanwhile: try again', partition USING ERRCODE = 'lock_not_available';
        END IF;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.usage_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
    PERFORM public.usage_protect(to_regclass('public.' || partition));
    EXECUTE format('WITH moved AS (DELETE FROM public.usage_logs_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
        'INSERT INTO public.%I SELECT * FROM moved', partition) USING month_start, month_end;
    EXECUTE format('ALTER TABLE public.usage_logs ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', partition, month_start, month_end);
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION usage_logs_add_partition(timestamptz) TO usage_rollup;

-- Triggers that exist fire all the same.
REVOKE EXECUTE ON FUNCTION sessions_tell_end(), accounts_tell_change(), audit_log_refuse_change() FROM PUBLIC;
