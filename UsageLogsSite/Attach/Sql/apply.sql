-- Brings our tables to where the product's are, for the keys noted longest ago: each row as it is now, however often it has changed. What is
-- taken and what is written commit together. Rows of users are read last and written first, and removed last: a log that was seen was written
-- after its user.
CREATE FUNCTION {schema}.attach_apply(most integer, OUT taken bigint, OUT failed bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET jit = off SET enable_seqscan = off AS
$attach$
#variable_conflict use_variable
DECLARE
{declarations}    failed_users bigint;
BEGIN
    taken := 0;
    failed := 0;
    IF NOT ({pending}) THEN
        RETURN;
    END IF;

    -- One at a time: a site and a command, or two sites between two elections.
    PERFORM pg_advisory_xact_lock(hashtext('attach'), hashtext('{schema}'));
    PERFORM set_config('usage.attach', 'on', true);
{checks}
{takes}
    failed_users := {schema}.attach_users_try('put', users_new) + {schema}.attach_users_try('put', users_changed);
    failed := failed_users;
{mirrors}
    failed := failed + {schema}.attach_users_try('remove', users_changed);
    IF users_swept THEN
        IF {drained} THEN
            failed := failed + {schema}.attach_users_try('sweep', NULL);
        ELSE
            INSERT INTO {schema}.attach_users (op) VALUES ('T');
        END IF;
    END IF;

    -- What waited for another row gets its turn once that is there, or gone.
    UPDATE {schema}.attach_users q SET error = NULL
    WHERE q.error IS NOT NULL
      AND (q.state = '23503' AND NOT EXISTS (SELECT FROM {schema}.usage_logs l WHERE l.user_id = q.user_id)
                             AND NOT EXISTS (SELECT FROM {schema}.credit_purchases p WHERE p.user_id = q.user_id)
           OR q.state = '23505' AND users_count > failed_users);
{retries}    PERFORM set_config('usage.attach', 'off', true);
END
$attach$;

-- For whoever watches: a million keys of each table at most, and ten thousand rows.
CREATE FUNCTION {schema}.attach_noted(OUT pending bigint, OUT failed bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS
$attach$
    SELECT {waiting}, {kept}
$attach$;

DO $attach$
DECLARE
    made text;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p WHERE {functions}
    LOOP
        EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || made || ' FROM PUBLIC';
    END LOOP;
END
$attach$;
GRANT EXECUTE ON FUNCTION {schema}.attach_apply(integer), {schema}.attach_noted() TO usage_rollup;
SELECT pg_notify('usage_pending', '');
