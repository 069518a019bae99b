-- The sums that a running fold would keep from here on; it waits until they are there.
LOCK TABLE usage_totals IN SHARE MODE;

INSERT INTO usage_activity (user_type, hour, users, requests, tokens, cost_usd, revenue_usd)
SELECT t.user_type, coalesce(h.hour, 'infinity'), count(*), sum(t.requests), sum(t.tokens), sum(t.cost_usd), sum(t.revenue_usd)
FROM usage_totals t, LATERAL (SELECT date_trunc('hour', t.last_activity, 'UTC') AS hour) h
GROUP BY t.user_type, ROLLUP (h.hour);

-- The rows of this hour and of all hours change with every fold: leave room for that beside them.
ALTER TABLE usage_activity SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
