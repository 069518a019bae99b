-- The four roles stay: other databases of the cluster may use them. The logins of this one go, where we may.
DO $$
DECLARE
    login text;
BEGIN
    FOR login IN SELECT role FROM site_logins LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', login);
        EXCEPTION
            WHEN insufficient_privilege OR dependent_objects_still_exist THEN
                RAISE NOTICE 'The role % is not dropped: %', login, SQLERRM;
        END;
    END LOOP;
END
$$;
DROP TABLE site_logins;

DO $$
DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT p.polname, p.polrelid::regclass AS of_table FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'public'::regnamespace AND (p.polname IN ('owner_all', 'granted_before') OR p.polname ~ '^usage_(rollup|admin|member|writer)_')
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy.polname, policy.of_table);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', policy.of_table);
    END LOOP;
END
$$;

REVOKE ALL ON users, usage_logs, usage_archive, credit_purchases, usage_deltas, usage_totals, usage_activity, usage_days, usage_hours, rollup_state,
    accounts, account_claims, account_logins, account_tokens, sessions, audit_log, data_protection_keys, "__EFMigrationsHistory"
    FROM usage_rollup, usage_admin, usage_member, usage_writer;
REVOKE UPDATE (time_zone) ON rollup_state FROM usage_rollup;
REVOKE ALL ON SEQUENCE usage_rollup_awake_until FROM usage_rollup;
REVOKE USAGE ON SCHEMA public FROM usage_rollup, usage_admin, usage_member, usage_writer;
REVOKE EXECUTE ON FUNCTION usage_logs_add_partition(timestamptz) FROM usage_rollup;

-- What 0003 made.
CREATE OR REPLACE FUNCTION usage_logs_add_partition(of_month timestamptz) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS
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
    EXECUTE format('WITH moved AS (DELETE FROM public.usage_logs_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
        'INSERT INTO public.%I SELECT * FROM moved', partition) USING month_start, month_end;
    EXECUTE format('ALTER TABLE public.usage_logs ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', partition, month_start, month_end);
    RETURN true;
END
$$;

DROP FUNCTION usage_protect(regclass);
