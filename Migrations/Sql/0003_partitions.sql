-- usage_logs by month (UTC), so that old months can be dropped as a whole. Rows of any other time go to a default partition:
-- no insert ever fails for want of one. A table cannot become partitioned in place, so its rows are moved over.
LOCK TABLE usage_logs IN ACCESS EXCLUSIVE MODE;
ALTER TABLE usage_logs RENAME TO usage_logs_former;
CREATE TABLE usage_logs (LIKE usage_logs_former INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS) PARTITION BY RANGE (created_at);
CREATE TABLE usage_logs_default PARTITION OF usage_logs DEFAULT;
ALTER TABLE usage_logs_default REPLICA IDENTITY FULL; -- until it has its key: a publication FOR ALL TABLES would keep rows from being moved

-- Makes the partition of a month, and moves the rows there that the default one holds. Whoever touches the default partition waits
-- meanwhile: callers set a short lock_timeout, and try again. Indexes and the foreign key are made by ATTACH; statement triggers stand on
-- the parent only, so moving rows from partition to partition counts nothing.
CREATE FUNCTION usage_logs_add_partition(of_month timestamptz) RETURNS boolean
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
REVOKE EXECUTE ON FUNCTION usage_logs_add_partition(timestamptz) FROM PUBLIC;

-- The months that have rows, and those to come. Far from today a single row is no reason for a partition.
SELECT usage_logs_add_partition(month)
FROM (SELECT DISTINCT date_trunc('month', created_at, 'UTC') AS month FROM usage_logs_former
      WHERE created_at >= now() - interval '10 years' AND created_at < now() + interval '3 months'
      UNION
      SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month') AT TIME ZONE 'UTC' FROM generate_series(0, 3) ahead) months;

INSERT INTO usage_logs SELECT * FROM usage_logs_former;

-- Who may do what stays as it was granted.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT a.privilege_type || ' ' || a.columns AS what, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS whom,
               CASE WHEN a.is_grantable THEN 'WITH GRANT OPTION' ELSE '' END AS how
        FROM (SELECT a.*, '' AS columns FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.oid = 'usage_logs_former'::regclass AND a.grantee <> c.relowner
              UNION ALL
              SELECT a.*, format('(%I)', c.attname) FROM pg_attribute c, aclexplode(c.attacl) a WHERE c.attrelid = 'usage_logs_former'::regclass) a
    LOOP
        EXECUTE format('GRANT %s ON usage_logs TO %s %s', granted.what, granted.whom, granted.how);
    END LOOP;
END
$$;

DROP TABLE usage_logs_former;
ALTER TABLE usage_logs ADD CONSTRAINT pk_usage_logs PRIMARY KEY (id, created_at);
ALTER TABLE usage_logs_default REPLICA IDENTITY DEFAULT;
ALTER TABLE usage_logs ADD CONSTRAINT fk_usage_logs_users_user_id FOREIGN KEY (user_id) REFERENCES users (id);
CREATE INDEX ix_usage_logs_user_id_created_at ON usage_logs (user_id, created_at);

-- Last, so that what was moved is not counted again.
CREATE TRIGGER usage_logs_inserted AFTER INSERT ON usage_logs
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_updated AFTER UPDATE ON usage_logs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_deleted AFTER DELETE ON usage_logs
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_truncated AFTER TRUNCATE ON usage_logs
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();

ANALYZE usage_logs;
