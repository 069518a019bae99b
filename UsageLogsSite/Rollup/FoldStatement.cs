namespace UsageLogsSite.Rollup;

/// <summary>The one statement that folds a batch: what it deletes from the deltas and what it adds to totals commit together.</summary>
/// <remarks>
/// Whatever it joins is one look by index or by place for each row of the batch, and what was looked up is passed on: the planner
/// knows nothing of a batch's size, and a join of two of its lists would be made by going through one for each row of the other.
/// </remarks>
internal static class FoldStatement
{
    private static readonly KeptSums Activity = new(
        "usage_activity", ["hour", "user_type"], ["users", "requests", "tokens", "cost_usd", "revenue_usd"], Counts: ["users"]);

    /// <summary>
    /// Parameters: deltas to take at most, the place of the last one looked at before, whether to search all deltas for a request
    /// to rebuild, whether the batch before left none that it saw, and where the hint comes from (<see cref="ChangeOrigin"/>).
    /// A batch goes on where the last one ended: one that began at the front would wade through all that the ones before it have
    /// deleted. For the same reason a rebuild's request, which no index finds, is searched for by some only, and where the batch
    /// itself does not see all there is.
    /// </summary>
    internal static string Text { get; } = $"""
        WITH picked AS MATERIALIZED (
            SELECT ctid AS place, user_id FROM usage_deltas WHERE ctid > $2 LIMIT $1
        ), batch AS (
            DELETE FROM usage_deltas WHERE ctid = ANY (ARRAY(SELECT place FROM picked WHERE user_id IS NOT NULL)) RETURNING *
        ), parts AS MATERIALIZED (
            SELECT p.*, u.user_type FROM ({FoldOfPeriods.Parts}) p LEFT JOIN LATERAL (SELECT user_type FROM users WHERE id = p.user_id LIMIT 1) u ON true
        ), sums AS (
            SELECT user_id, user_type, sum(requests)::bigint AS requests, sum(tokens)::bigint AS tokens, sum(credits_used) AS credits_used,
                   sum(credits_bought) AS credits_bought, sum(cost_usd) AS cost_usd, sum(revenue_usd) AS revenue_usd,
                   sum(completed_payments)::integer AS completed_payments, bool_or(has_removed) AS has_removed, max(newest) AS newest
            FROM parts GROUP BY user_id, user_type
        ), {Totals}, {Settling}, {Moves}, {Activity.Apply("moved")}, {FoldOfPeriods.Expressions}, hint AS (
            SELECT pg_notify('usage_changed', string_agg(user_type, ',') || coalesce({HintedUsers}, '') || $5) FROM moved WHERE hour = 'infinity' HAVING count(*) > 0
        )
        SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM picked), (SELECT max(place) FROM picked),
               CASE WHEN $3 AND (SELECT count(*) FROM picked) >= $1 THEN EXISTS (SELECT FROM usage_deltas WHERE user_id IS NULL)
                    ELSE EXISTS (SELECT FROM picked WHERE user_id IS NULL) END,
               (SELECT count(*) FROM hint)
        """;

    /// <summary>
    /// Whose usage changed, by names that only who has the key can make (<see cref="Live.UsageChange.NameOf"/>): any login of the database can
    /// hear them. Null where they are so many that to name all would take more than a payload holds.
    /// </summary>
    private const string HintedUsers = """
        (SELECT ';' || string_agg(encode(substr(sha256(uuid_send(r.hint_key) || uuid_send(c.user_id)), 1, 4), 'hex'), ',')
         FROM changes c, rollup_state r HAVING (SELECT count(*) FROM changes) <= 500)
        """;

    /// <summary>
    /// The newest activity follows from the deltas only where none of them takes something away, and none older than the totals can
    /// come along: that is, where the batch before left none that it saw. Otherwise it is looked up, as deltas come in no order, and
    /// one that a later one has taken back may come last. The lookup and the batch see one snapshot; whatever commits later brings a
    /// delta of its own.
    /// </summary>
    private const string Totals = $"""
        changes AS MATERIALIZED (
            SELECT s.*, t.place, t.user_type AS former_type, t.last_activity AS former_activity, t.requests AS former_requests,
                   t.tokens AS former_tokens, t.cost_usd AS former_cost_usd, t.revenue_usd AS former_revenue_usd,
                   CASE WHEN s.user_type IS NULL THEN NULL
                        WHEN $4 AND t.place IS NOT NULL AND NOT s.has_removed THEN greatest(t.last_activity, s.newest)
                        ELSE coalesce({TotalsTable.LastActivity}, '-infinity') END AS last_activity
            FROM sums s LEFT JOIN LATERAL (SELECT ctid AS place, * FROM usage_totals WHERE user_id = s.user_id LIMIT 1) t ON true
        ), changed AS (
            UPDATE usage_totals t SET
                user_type = c.user_type,
                requests = t.requests + c.requests,
                tokens = t.tokens + c.tokens,
                credits_used = t.credits_used + c.credits_used,
                credits_bought = t.credits_bought + c.credits_bought,
                cost_usd = t.cost_usd + c.cost_usd,
                revenue_usd = t.revenue_usd + c.revenue_usd,
                completed_payments = t.completed_payments + c.completed_payments,
                last_activity = c.last_activity
            FROM changes c WHERE t.ctid = c.place AND c.user_type IS NOT NULL
        ), added AS (
            INSERT INTO usage_totals (user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd,
                                      completed_payments, last_activity)
            SELECT user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments, last_activity
            FROM changes WHERE place IS NULL AND user_type IS NOT NULL
        )
        """;

    /// <summary>
    /// Of a user who is gone, all deltas go at once, in later batches too: should the id come back, it begins at nothing. The count
    /// keeps the deltas from being read when, as nearly always, nobody is gone.
    /// </summary>
    private const string Settling = """
        gone AS MATERIALIZED (
            SELECT user_id, place FROM changes WHERE user_type IS NULL
        ), dropped AS (
            DELETE FROM usage_totals WHERE ctid = ANY (ARRAY(SELECT place FROM gone WHERE place IS NOT NULL))
        ), settled AS (
            DELETE FROM usage_deltas d USING gone g WHERE (SELECT count(*) FROM gone) > 0 AND d.user_id = g.user_id RETURNING d.*
        )
        """;

    /// <summary>
    /// The sums by hour of the last activity: each user's former row leaves its hour, and the new one comes to another. Of most, the
    /// hour stays the same.
    /// </summary>
    private const string Moves = """
        hourly AS (
            SELECT c.*, date_trunc('hour', c.last_activity, 'UTC') AS hour, date_trunc('hour', c.former_activity, 'UTC') AS former_hour FROM changes c
        ), hours_moved AS (
            SELECT m.user_type, m.hour, sum(m.users)::bigint AS users, sum(m.requests)::bigint AS requests, sum(m.tokens)::bigint AS tokens,
                   sum(m.cost_usd) AS cost_usd, sum(m.revenue_usd) AS revenue_usd
            FROM (SELECT 0 AS users, user_type, hour, requests, tokens, cost_usd, revenue_usd
                  FROM hourly WHERE (user_type, hour) = (former_type, former_hour)
                  UNION ALL
                  SELECT 1, user_type, hour, coalesce(former_requests, 0) + requests, coalesce(former_tokens, 0) + tokens,
                         coalesce(former_cost_usd, 0) + cost_usd, coalesce(former_revenue_usd, 0) + revenue_usd
                  FROM hourly WHERE user_type IS NOT NULL AND (user_type, hour) IS DISTINCT FROM (former_type, former_hour)
                  UNION ALL
                  SELECT -1, former_type, former_hour, -former_requests, -former_tokens, -former_cost_usd, -former_revenue_usd
                  FROM hourly WHERE former_type IS NOT NULL AND (user_type, hour) IS DISTINCT FROM (former_type, former_hour)) m
            GROUP BY m.user_type, m.hour
        ), moved AS MATERIALIZED (
            SELECT * FROM hours_moved
            UNION ALL
            SELECT user_type, 'infinity', sum(users)::bigint, sum(requests)::bigint, sum(tokens)::bigint, sum(cost_usd), sum(revenue_usd)
            FROM hours_moved GROUP BY user_type
        )
        """;
}
