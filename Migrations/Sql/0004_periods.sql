-- A delta tells when it was used or bought, so that days and hours can be kept. Until an elected instance has made these
-- (rollup_state.time_zone is null so long) they stay empty: a migration must not hold up writers for that.

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
        INSERT INTO public.usage_deltas (user_id, occurred_at, credits_bought, revenue_usd, completed_payments)
        SELECT o.user_id, o.created_at, -o.credits, -o.amount_usd, -1 FROM old_rows o WHERE o.status = 'completed';
        GET DIAGNOSTICS changed = ROW_COUNT;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO public.usage_deltas (user_id, occurred_at, credits_bought, revenue_usd, completed_payments)
        SELECT n.user_id, n.created_at, n.credits, n.amount_usd, 1 FROM new_rows n WHERE n.status = 'completed';
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    IF changed + added > 0 THEN
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;

-- Sums of dropped logs go with their user: the days that they are in must lose them too. Retention only adds some, and moves nothing.
CREATE FUNCTION usage_archive_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO public.usage_deltas (user_id, occurred_at, requests, tokens, credits_used, cost_usd)
    SELECT o.user_id, o.quarter, -o.requests, -o.tokens, -o.credits, -o.cost_usd FROM old_rows o;
    IF FOUND THEN
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION usage_archive_append_deltas() FROM PUBLIC;

CREATE TRIGGER usage_archive_deleted AFTER DELETE ON usage_archive
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_archive_append_deltas();
CREATE TRIGGER usage_archive_truncated AFTER TRUNCATE ON usage_archive
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();

-- The rows of these days change with every fold: leave room for that beside them.
ALTER TABLE usage_days SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE usage_hours SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
