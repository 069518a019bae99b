-- {target} from {source}: keys of rows that have changed and, where error is not null, of rows that could not be copied.
CREATE TABLE {schema}.attach_{target} (
    key {key_type},
    seq bigint GENERATED ALWAYS AS IDENTITY,
    op "char" NOT NULL,
    user_id uuid,
    state text,
    error text,
    failed_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
-- It has no key of its own: in a database with a publication FOR ALL TABLES no note could be taken.
ALTER TABLE {schema}.attach_{target} REPLICA IDENTITY FULL;
CREATE INDEX ix_attach_{target}_seq ON {schema}.attach_{target} (seq) WHERE error IS NULL;
CREATE INDEX ix_attach_{target}_key ON {schema}.attach_{target} (key) WHERE error IS NOT NULL;
SELECT {schema}.usage_protect('{schema}.attach_{target}'::regclass);
INSERT INTO {schema}.attachments (target, source, map) VALUES ('{target}', {source_text}, {map});

-- What runs in the product's own transactions: it notes keys, and evaluates nothing that could fail. A statement that is not reached is not
-- parsed either: where the key has become another column or type, the note is that it has.
CREATE FUNCTION {schema}.attach_{target}_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$attach$
#variable_conflict use_column
DECLARE
    {key} json; -- what the name means where the column is gone: a type that no key can have
    attach_type regtype;
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        attach_type := pg_typeof((SELECT {key} FROM new_rows LIMIT 1));
    ELSIF TG_OP = 'DELETE' THEN
        attach_type := pg_typeof((SELECT {key} FROM old_rows LIMIT 1));
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO {schema}.attach_{target} (op) VALUES ('T');
    ELSIF attach_type::text NOT IN ({key_types}) THEN
        INSERT INTO {schema}.attach_{target} (op) VALUES ('X');
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {schema}.attach_{target} (key, op) SELECT n.{key}, 'I' FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO {schema}.attach_{target} (key, op) SELECT o.{key}, 'C' FROM old_rows o UNION SELECT n.{key}, 'C' FROM new_rows n;
    ELSE
        INSERT INTO {schema}.attach_{target} (key, op) SELECT o.{key}, 'C' FROM old_rows o;
    END IF;

    -- It looks for itself: a call of usage_wake_rollup() would cost more than asking for the key's type.
    IF FOUND AND {schema}.usage_rollup_sleeps() THEN
        PERFORM pg_notify('usage_pending', '');
    END IF;
    RETURN NULL;
END
$attach$;

CREATE FUNCTION {schema}.attach_{target}_put(attach_keys {key_type}[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$attach$
#variable_conflict use_column
BEGIN
{before_put}    INSERT INTO {schema}.{target} AS m ({columns})
    SELECT {expressions} FROM {source} AS s WHERE s.{key} = ANY (attach_keys) AND ({where})
    ON CONFLICT ({conflict}) DO UPDATE SET {assignments}
    WHERE ({kept}) IS DISTINCT FROM ({given});
END
$attach$;

-- Rows of ours whose keys are gone, or have become another row. A statement sees later changes than the one before it: what these do to our
-- table now, their own keys do again.
CREATE FUNCTION {schema}.attach_{target}_remove(attach_keys {key_type}[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$attach$
#variable_conflict use_column
BEGIN
    WITH named AS MATERIALIZED (
        SELECT DISTINCT {id} AS id FROM unnest(attach_keys) AS s ({key})
    ), there AS MATERIALIZED (
        SELECT {identity} FROM {source} AS s WHERE s.{key} = ANY (attach_keys) AND ({where})
    )
    DELETE FROM {schema}.{target} m USING named WHERE m.id = named.id AND NOT EXISTS (SELECT FROM there WHERE {same});
END
$attach$;

-- TRUNCATE names no keys.
CREATE FUNCTION {schema}.attach_{target}_sweep() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$attach$
BEGIN
    IF EXISTS (SELECT FROM {schema}.{target}) THEN
        WITH there AS MATERIALIZED (SELECT {identity} FROM {source} AS s WHERE {where})
        DELETE FROM {schema}.{target} m WHERE NOT EXISTS (SELECT FROM there WHERE {same}){unused};
    END IF;
END
$attach$;

-- All at once or, where a row fails, one by one: those that fail are kept aside with the reason. Anything but a row's fault goes on up.
CREATE FUNCTION {schema}.attach_{target}_try(work text, attach_keys {key_type}[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$attach$
#variable_conflict use_variable
DECLARE
    failed bigint := 0;
    attach_key {key_type};
    sqlstate_of text;
    message text;
BEGIN
    IF attach_keys IS NULL AND work <> 'sweep' THEN
        RETURN 0;
    END IF;
    BEGIN
        CASE work
            WHEN 'put' THEN PERFORM {schema}.attach_{target}_put(attach_keys);
            WHEN 'remove' THEN PERFORM {schema}.attach_{target}_remove(attach_keys);
            ELSE PERFORM {schema}.attach_{target}_sweep();
        END CASE;
        RETURN 0;
    EXCEPTION WHEN {row_faults} THEN
        IF work = 'sweep' THEN
            GET STACKED DIAGNOSTICS sqlstate_of = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            INSERT INTO {schema}.attach_{target} (op, state, error, failed_at) VALUES ('T', sqlstate_of, message, now());
            RETURN 1;
        END IF;
    END;
    FOREACH attach_key IN ARRAY attach_keys LOOP
        BEGIN
            IF work = 'put' THEN
                PERFORM {schema}.attach_{target}_put(ARRAY[attach_key]);
            ELSE
                PERFORM {schema}.attach_{target}_remove(ARRAY[attach_key]);
            END IF;
        EXCEPTION WHEN {row_faults} THEN
            GET STACKED DIAGNOSTICS sqlstate_of = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            failed := failed + 1;
            DELETE FROM {schema}.attach_{target} q WHERE q.error IS NOT NULL AND q.key = attach_key;
            INSERT INTO {schema}.attach_{target} (key, op, state, error, failed_at) VALUES (attach_key, 'C', sqlstate_of, message, now());
            IF sqlstate_of = '23503' THEN
                UPDATE {schema}.attach_{target} q SET user_id = {awaited} WHERE q.error IS NOT NULL AND q.key = attach_key;
            END IF;
        END;
    END LOOP;
    RETURN failed;
END
$attach$;

CREATE TRIGGER attach_guard BEFORE INSERT OR UPDATE OF {columns} OR DELETE OR TRUNCATE ON {schema}.{target}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.attach_refuse({source_text});
CREATE TRIGGER {schema}_attach_inserted AFTER INSERT ON {source}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {schema}.attach_{target}_changed();
CREATE TRIGGER {schema}_attach_updated AFTER UPDATE ON {source}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {schema}.attach_{target}_changed();
CREATE TRIGGER {schema}_attach_deleted AFTER DELETE ON {source}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {schema}.attach_{target}_changed();
CREATE TRIGGER {schema}_attach_truncated AFTER TRUNCATE ON {source}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.attach_{target}_changed();
