-- Whether the rollup is awake, without a query: a sequence is read by a call of a function, which a trigger evaluates as an expression,
-- and that takes a quarter off what a commit pays for the triggers. Seconds since 1970; what is set counts at once, for transactions of
-- any isolation level, and is never taken back. What follows from that: whoever looked before the rollup fell asleep has an id by then,
-- as a delta was written first.
CREATE SEQUENCE usage_rollup_awake_until MINVALUE 0 START 0;
SELECT setval('usage_rollup_awake_until', 0);

-- Parsed here and now: it means the same under any search path.
CREATE FUNCTION usage_rollup_sleeps() RETURNS boolean
    LANGUAGE sql RETURN to_timestamp(pg_sequence_last_value('public.usage_rollup_awake_until')) < clock_timestamp();
REVOKE EXECUTE ON FUNCTION usage_rollup_sleeps() FROM PUBLIC;

CREATE OR REPLACE FUNCTION usage_wake_rollup() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF public.usage_rollup_sleeps() THEN
        PERFORM pg_notify('usage_pending', '');
    END IF;
END
$$;

-- Fires for every response: it looks for itself, as a call of usage_wake_rollup() would cost as much as its delta.
CREATE OR REPLACE FUNCTION usage_logs_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changed bigint := 0;
    added bigint := 0;
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO public.usage_deltas (user_id, occurred_at, requests, tokens, credits_used, cost_usd)
        SELECT o.user_id, o.created_at, -1, -(o.prompt_tokens::bigint + o.completion_tokens), -o.credits, -o.cost_usd FROM old_rows o;
        GET DIAGNOSTICS changed = ROW_COUNT;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO public.usage_deltas (user_id, occurred_at, requests, tokens, credits_used, cost_usd)
        SELECT n.user_id, n.created_at, 1, n.prompt_tokens::bigint + n.completion_tokens, n.credits, n.cost_usd FROM new_rows n;
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    IF changed + added > 0 THEN
        IF public.usage_rollup_sleeps() THEN
            PERFORM pg_notify('usage_pending', '');
        END IF;
    END IF;
    RETURN NULL;
END
$$;
