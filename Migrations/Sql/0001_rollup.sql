-- Writers append deltas; the rollup folds them into usage_totals. Writers never touch a totals row,
-- so they never wait for each other and cannot deadlock because of us.

CREATE UNIQUE INDEX ux_users_email ON users (lower(email));

-- Churns all day: vacuum it by count, not by a share of a size that is nearly zero.
ALTER TABLE usage_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                              autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
-- Totals change constantly in place: leave room on each page.
ALTER TABLE usage_totals SET (fillfactor = 80);
ALTER TABLE usage_totals ALTER COLUMN last_activity SET DEFAULT '-infinity';

INSERT INTO rollup_state (id) VALUES (true);

-- Interrupt mitigation, as network drivers do it: while the rollup polls, a commit needs no NOTIFY (which holds
-- one lock for the whole cluster until the commit is on disk). An older snapshot may still see "awake" after the
-- rollup fell asleep, so only READ COMMITTED, which looks anew in every statement, may stay silent.
CREATE FUNCTION usage_wake_rollup() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
       OR (SELECT s.awake_until FROM public.rollup_state s) < clock_timestamp() THEN
        PERFORM pg_notify('usage_pending', '');
    END IF;
END
$$;

CREATE FUNCTION usage_logs_append_deltas() RETURNS trigger
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

-- Only completed purchases count. A deletion is always reported, so that a list that shows it looks again.
CREATE FUNCTION credit_purchases_append_deltas() RETURNS trigger
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

-- A user who appears, changes or goes has a totals row to make, to refresh or to drop: an empty delta says so.
CREATE FUNCTION users_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changed bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO public.usage_deltas (user_id) SELECT o.id FROM old_rows o;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO public.usage_deltas (user_id) SELECT o.id FROM old_rows o UNION SELECT n.id FROM new_rows n;
    ELSE
        INSERT INTO public.usage_deltas (user_id) SELECT n.id FROM new_rows n;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed > 0 THEN
        PERFORM public.usage_wake_rollup();
    END IF;
    RETURN NULL;
END
$$;

-- TRUNCATE ignores snapshots, so its rows cannot be counted exactly: ask for a rebuild instead.
CREATE FUNCTION usage_request_rebuild() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO public.usage_deltas (user_id) VALUES (NULL);
    PERFORM public.usage_wake_rollup();
    RETURN NULL;
END
$$;

-- They run with the owner's rights: nobody else may put them on a table of their own and so write deltas. Triggers that exist
-- fire all the same.
REVOKE EXECUTE ON FUNCTION usage_wake_rollup(), usage_logs_append_deltas(), credit_purchases_append_deltas(), users_append_deltas(),
    usage_request_rebuild() FROM PUBLIC;

CREATE TRIGGER usage_logs_inserted AFTER INSERT ON usage_logs
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_updated AFTER UPDATE ON usage_logs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_deleted AFTER DELETE ON usage_logs
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_truncated AFTER TRUNCATE ON usage_logs
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();

CREATE TRIGGER credit_purchases_inserted AFTER INSERT ON credit_purchases
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION credit_purchases_append_deltas();
CREATE TRIGGER credit_purchases_updated AFTER UPDATE ON credit_purchases
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION credit_purchases_append_deltas();
CREATE TRIGGER credit_purchases_deleted AFTER DELETE ON credit_purchases
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION credit_purchases_append_deltas();
CREATE TRIGGER credit_purchases_truncated AFTER TRUNCATE ON credit_purchases
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();

CREATE TRIGGER users_inserted AFTER INSERT ON users
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION users_append_deltas();
CREATE TRIGGER users_updated AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION users_append_deltas();
CREATE TRIGGER users_deleted AFTER DELETE ON users
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION users_append_deltas();
CREATE TRIGGER users_truncated AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();
