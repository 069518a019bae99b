namespace UsageLogsSite.Rollup;

/// <summary>The part of the fold's statement that keeps days and hours, in the time zone that is stored; in none, nothing.</summary>
internal static class FoldOfPeriods
{
    private static readonly KeptSums Days = new("usage_days", ["day", "user_id"], TotalsTable.UserSums, Counts: TotalsTable.UserSums);

    private static readonly KeptSums Hours = new("usage_hours", ["day", "hour", "user_type"], TotalsTable.HourSums, Counts: TotalsTable.HourSums);

    /// <summary>A batch by user and hour: all else is made of these sums. Day and hour are null where there is no time or no zone.</summary>
    internal const string Parts = """
        SELECT b.user_id, h.day, h.hour, sum(b.requests)::bigint AS requests, sum(b.tokens)::bigint AS tokens, sum(b.credits_used) AS credits_used,
               sum(b.credits_bought) AS credits_bought, sum(b.cost_usd) AS cost_usd, sum(b.revenue_usd) AS revenue_usd,
               sum(b.completed_payments)::integer AS completed_payments,
               bool_or(b.requests < 0) AS has_removed, max(b.occurred_at) FILTER (WHERE b.requests > 0) AS newest
        FROM batch b,
             LATERAL (SELECT (b.occurred_at AT TIME ZONE z.zone)::date AS day, date_trunc('hour', b.occurred_at, z.zone) AS hour
                      FROM (SELECT (SELECT time_zone FROM rollup_state) AS zone) z) h
        GROUP BY 1, 2, 3
        """;

    /// <summary>
    /// Common table expressions after the fold's own. Of a user who is gone, all deltas together take away what was kept. A user whose
    /// type changes (or who is gone) takes along what was kept of them: the raw rows less all deltas that this snapshot shows.
    /// The count before the deltas are looked through keeps them from being read when, as nearly always, nobody changed their type.
    /// </summary>
    internal static string Expressions { get; } = $"""
        zone AS (
            SELECT time_zone FROM rollup_state WHERE time_zone IS NOT NULL
        ), day_sums AS (
            SELECT c.day, c.user_id, sum(c.requests)::bigint AS requests, sum(c.tokens)::bigint AS tokens, sum(c.credits_used) AS credits_used,
                   sum(c.credits_bought) AS credits_bought, sum(c.cost_usd) AS cost_usd, sum(c.revenue_usd) AS revenue_usd,
                   sum(c.completed_payments)::integer AS completed_payments
            FROM (SELECT day, user_id, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments FROM parts
                  UNION ALL
                  SELECT (s.occurred_at AT TIME ZONE z.time_zone)::date, s.user_id, s.requests, s.tokens, s.credits_used, s.credits_bought,
                         s.cost_usd, s.revenue_usd, s.completed_payments
                  FROM settled s, zone z) c
            WHERE c.day IS NOT NULL GROUP BY c.day, c.user_id
        ), {Days.Apply("day_sums")}, retyped AS MATERIALIZED (
            SELECT user_id, former_type, user_type FROM changes WHERE place IS NOT NULL AND user_type IS DISTINCT FROM former_type
        ), kept_of_retyped AS (
            SELECT r.former_type, r.user_type, c.occurred_at, c.requests, c.tokens, c.cost_usd, c.revenue_usd, c.completed_payments
            FROM retyped r CROSS JOIN LATERAL (SELECT * FROM ({TotalsTable.RawChanges}) all_changes WHERE user_id = r.user_id OFFSET 0) c
            UNION ALL
            SELECT r.former_type, r.user_type, d.occurred_at, -d.requests, -d.tokens, -d.cost_usd, -d.revenue_usd, -d.completed_payments
            FROM usage_deltas d JOIN retyped r ON r.user_id = d.user_id
            WHERE (SELECT count(*) FROM retyped) > 0 AND d.occurred_at IS NOT NULL
        ), retyped_hours AS (
            SELECT (k.occurred_at AT TIME ZONE z.time_zone)::date AS day, date_trunc('hour', k.occurred_at, z.time_zone) AS hour, k.*
            FROM kept_of_retyped k, zone z
        ), hour_sums AS (
            SELECT c.day, c.hour, c.user_type, sum(c.requests)::bigint AS requests, sum(c.tokens)::bigint AS tokens, sum(c.cost_usd) AS cost_usd,
                   sum(c.revenue_usd) AS revenue_usd, sum(c.completed_payments)::bigint AS completed_payments
            FROM (SELECT day, hour, user_type, requests, tokens, cost_usd, revenue_usd, completed_payments FROM parts WHERE hour IS NOT NULL
                  UNION ALL
                  SELECT day, hour, former_type, -requests, -tokens, -cost_usd, -revenue_usd, -completed_payments FROM retyped_hours
                  UNION ALL
                  SELECT day, hour, user_type, requests, tokens, cost_usd, revenue_usd, completed_payments FROM retyped_hours) c
            WHERE c.user_type IS NOT NULL GROUP BY c.day, c.hour, c.user_type
        ), {Hours.Apply("hour_sums")}
        """;
}
