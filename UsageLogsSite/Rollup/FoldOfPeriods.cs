namespace UsageLogsSite.Rollup;

/// <summary>The part of the fold's statement that keeps days and hours, in the time zone that is stored; in none, nothing.</summary>
internal static class FoldOfPeriods
{
    /// <summary>
    /// Common table expressions after the fold's own. Of a user who is gone, all deltas together take away what was kept. A user whose
    /// type changes (or who is gone) takes along what was kept of them: the raw rows less all deltas that this snapshot shows.
    /// What a batch touches is looked up row by row, and removed by its place: any other join could come to read the whole table.
    /// The count before the deltas are looked through keeps them from being read when, as nearly always, nobody changed their type.
    /// </summary>
    internal const string Expressions = $"""
        zone AS (
            SELECT time_zone FROM rollup_state WHERE time_zone IS NOT NULL
        ), day_sums AS (
            SELECT (c.occurred_at AT TIME ZONE z.time_zone)::date AS day, c.user_id,
                   sum(c.requests) AS requests, sum(c.tokens) AS tokens, sum(c.credits_used) AS credits_used,
                   sum(c.credits_bought) AS credits_bought, sum(c.cost_usd) AS cost_usd, sum(c.revenue_usd) AS revenue_usd,
                   sum(c.completed_payments) AS completed_payments
            FROM (SELECT * FROM batch UNION ALL SELECT * FROM settled) c, zone z
            WHERE c.occurred_at IS NOT NULL GROUP BY 1, 2
        ), day_moves AS (
            SELECT s.*, f.place,
                   coalesce(f.requests, 0) + s.requests = 0 AND coalesce(f.completed_payments, 0) + s.completed_payments = 0
                   AND coalesce(f.tokens, 0) + s.tokens = 0 AND coalesce(f.credits_used, 0) + s.credits_used = 0
                   AND coalesce(f.credits_bought, 0) + s.credits_bought = 0 AND coalesce(f.cost_usd, 0) + s.cost_usd = 0
                   AND coalesce(f.revenue_usd, 0) + s.revenue_usd = 0 AS is_empty
            FROM day_sums s
            LEFT JOIN LATERAL (SELECT d.ctid AS place, d.* FROM usage_days d WHERE d.day = s.day AND d.user_id = s.user_id LIMIT 1) f ON true
        ), day_emptied AS (
            DELETE FROM usage_days WHERE ctid = ANY (ARRAY(SELECT place FROM day_moves WHERE is_empty AND place IS NOT NULL))
        ), day_kept AS (
            INSERT INTO usage_days AS d (day, user_id, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments)
            SELECT day, user_id, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments
            FROM day_moves WHERE NOT is_empty
            ON CONFLICT (day, user_id) DO UPDATE SET
                requests = d.requests + excluded.requests,
                tokens = d.tokens + excluded.tokens,
                credits_used = d.credits_used + excluded.credits_used,
                credits_bought = d.credits_bought + excluded.credits_bought,
                cost_usd = d.cost_usd + excluded.cost_usd,
                revenue_usd = d.revenue_usd + excluded.revenue_usd,
                completed_payments = d.completed_payments + excluded.completed_payments
        ), retyped AS (
            SELECT f.user_id, f.user_type AS former_type, n.user_type FROM former f LEFT JOIN folded n ON n.user_id = f.user_id
            WHERE n.user_type IS DISTINCT FROM f.user_type
        ), kept_of_retyped AS (
            SELECT r.former_type, r.user_type, c.occurred_at, c.requests, c.tokens, c.cost_usd, c.revenue_usd, c.completed_payments
            FROM retyped r CROSS JOIN LATERAL (SELECT * FROM ({TotalsTable.RawChanges}) all_changes WHERE user_id = r.user_id OFFSET 0) c
            UNION ALL
            SELECT r.former_type, r.user_type, d.occurred_at, -d.requests, -d.tokens, -d.cost_usd, -d.revenue_usd, -d.completed_payments
            FROM usage_deltas d JOIN retyped r ON r.user_id = d.user_id
            WHERE (SELECT count(*) FROM retyped) > 0 AND d.occurred_at IS NOT NULL
        ), hour_changes AS (
            SELECT n.user_type, b.occurred_at, b.requests, b.tokens, b.cost_usd, b.revenue_usd, b.completed_payments
            FROM batch b JOIN folded n ON n.user_id = b.user_id WHERE b.occurred_at IS NOT NULL
            UNION ALL
            SELECT former_type, occurred_at, -requests, -tokens, -cost_usd, -revenue_usd, -completed_payments FROM kept_of_retyped
            UNION ALL
            SELECT user_type, occurred_at, requests, tokens, cost_usd, revenue_usd, completed_payments FROM kept_of_retyped
            WHERE user_type IS NOT NULL
        ), hour_sums AS (
            SELECT (c.occurred_at AT TIME ZONE z.time_zone)::date AS day, date_trunc('hour', c.occurred_at, z.time_zone) AS hour, c.user_type,
                   sum(c.requests) AS requests, sum(c.tokens) AS tokens, sum(c.cost_usd) AS cost_usd, sum(c.revenue_usd) AS revenue_usd,
                   sum(c.completed_payments) AS completed_payments
            FROM hour_changes c, zone z GROUP BY 1, 2, 3
        ), hour_moves AS (
            SELECT s.*, f.place,
                   coalesce(f.requests, 0) + s.requests = 0 AND coalesce(f.completed_payments, 0) + s.completed_payments = 0
                   AND coalesce(f.tokens, 0) + s.tokens = 0 AND coalesce(f.cost_usd, 0) + s.cost_usd = 0
                   AND coalesce(f.revenue_usd, 0) + s.revenue_usd = 0 AS is_empty
            FROM hour_sums s
            LEFT JOIN LATERAL (
                SELECT h.ctid AS place, h.* FROM usage_hours h WHERE h.day = s.day AND h.hour = s.hour AND h.user_type = s.user_type LIMIT 1) f ON true
        ), hour_emptied AS (
            DELETE FROM usage_hours WHERE ctid = ANY (ARRAY(SELECT place FROM hour_moves WHERE is_empty AND place IS NOT NULL))
        ), hour_kept AS (
            INSERT INTO usage_hours AS h (day, hour, user_type, requests, tokens, cost_usd, revenue_usd, completed_payments)
            SELECT day, hour, user_type, requests, tokens, cost_usd, revenue_usd, completed_payments FROM hour_moves WHERE NOT is_empty
            ON CONFLICT (day, hour, user_type) DO UPDATE SET
                requests = h.requests + excluded.requests,
                tokens = h.tokens + excluded.tokens,
                cost_usd = h.cost_usd + excluded.cost_usd,
                revenue_usd = h.revenue_usd + excluded.revenue_usd,
                completed_payments = h.completed_payments + excluded.completed_payments
        )
        """;
}
