-- What 0001 and 0004 made.
CREATE OR REPLACE FUNCTION usage_wake_rollup() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
       OR (SELECT s.awake_until FROM public.rollup_state s) < clock_timestamp() THEN
        PERFORM pg_notify('usage_pending', '');
    END IF;
END
$$;

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
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;

DROP FUNCTION usage_rollup_sleeps();
DROP SEQUENCE usage_rollup_awake_until;
