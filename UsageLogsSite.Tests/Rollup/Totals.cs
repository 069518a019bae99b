using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

/// <summary>The oracle: totals as an aggregation of the raw tables gives them.</summary>
internal static class Totals
{
    private const string Expected = """
        SELECT u.id AS user_id, u.user_type, coalesce(l.requests, 0) AS requests, coalesce(l.tokens, 0) AS tokens,
               coalesce(l.credits, 0) AS credits_used, coalesce(p.credits, 0) AS credits_bought, coalesce(l.cost, 0) AS cost_usd,
               coalesce(p.amount, 0) AS revenue_usd, coalesce(p.payments, 0) AS completed_payments,
               coalesce(l.last, '-infinity') AS last_activity
        FROM users u
        LEFT JOIN (SELECT user_id, count(*) AS requests, sum(prompt_tokens::bigint + completion_tokens) AS tokens, sum(credits) AS credits,
                          sum(cost_usd) AS cost, max(created_at) AS last FROM usage_logs GROUP BY user_id) l ON l.user_id = u.id
        LEFT JOIN (SELECT user_id, count(*) AS payments, sum(credits) AS credits, sum(amount_usd) AS amount
                   FROM credit_purchases WHERE status = 'completed' GROUP BY user_id) p ON p.user_id = u.id
        """;

    private const string Kept = """
        SELECT user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments, last_activity
        FROM usage_totals
        """;

    /// <summary>Fails unless the kept totals are the raw tables' sums to the last digit.</summary>
    internal static async Task AssertExactAsync(PostgresDatabase database) =>
        Assert.Empty(await database.RowsAsync(
            $"(SELECT 'missing or wrong', x.* FROM ({Expected} EXCEPT {Kept}) x) UNION ALL (SELECT 'kept instead', y.* FROM ({Kept} EXCEPT {Expected}) y)"));
}
