DROP TRIGGER usage_archive_truncated ON usage_archive;
DROP FUNCTION usage_archive_append_deltas() CASCADE;

-- What 0001 made.
CREATE OR REPLACE FUNCTION usage_logs_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changed bigint := 0;
    added bigint := 0;
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO public.usage_deltas (user_id, requests, tokens, credits_used, cost_usd)
        SELECT o.user_id, -1, -(o.prompt_tokens::bigint + o.completion_tokens), -o.credits, -o.cost_usd FROM old_rows o;
        GET DIAGNOSTICS changed = ROW_COUNT;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO public.usage_deltas (user_id, requests, tokens, credits_used, cost_usd)
        SELECT n.user_id, 1, n.prompt_tokens::bigint + n.completion_tokens, n.credits, n.cost_usd FROM new_rows n;
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    IF changed + added > 0 THEN
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION credit_purchases_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changed bigint := 0;
    added bigint := 0;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO public.usage_deltas (user_id) SELECT o.user_id FROM old_rows o WHERE o.status <> 'completed';
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO public.usage_deltas (user_id, credits_bought, revenue_usd, completed_payments)
        SELECT o.user_id, -o.credits, -o.amount_usd, -1 FROM old_rows o WHERE o.status = 'completed';
        GET DIAGNOSTICS changed = ROW_COUNT;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO public.usage_deltas (user_id, credits_bought, revenue_usd, completed_payments)
        SELECT n.user_id, n.credits, n.amount_usd, 1 FROM new_rows n WHERE n.status = 'completed';
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    IF changed + added > 0 THEN
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;
