using Npgsql;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Turns deltas into totals, exactly once: each batch is one statement, so what it deletes and what it adds
/// commit together. Only the elected instance folds.
/// </summary>
/// <param name="connection">The elected instance's connection; used by one caller at a time.</param>
/// <param name="batchSize">Deltas folded in one transaction at most.</param>
internal sealed class Fold(NpgsqlConnection connection, int batchSize)
{
    /// <summary>
    /// The newest activity is looked up, never accumulated: a deletion can lower it, and deltas come in no order.
    /// The lookup and the batch see one snapshot; whatever commits later brings a delta of its own. Of a user who is gone, all
    /// deltas go at once, in later batches too: should the id come back, it begins at nothing.
    /// </summary>
    private const string FoldBatch = """
        WITH batch AS (
            DELETE FROM usage_deltas
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM usage_deltas WHERE user_id IS NOT NULL LIMIT $1))
            RETURNING *
        ), sums AS (
            SELECT user_id, sum(requests) AS requests, sum(tokens) AS tokens, sum(credits_used) AS credits_used,
                   sum(credits_bought) AS credits_bought, sum(cost_usd) AS cost_usd, sum(revenue_usd) AS revenue_usd,
                   sum(completed_payments) AS completed_payments
            FROM batch GROUP BY user_id
        ), folded AS (
            INSERT INTO usage_totals AS t (user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd,
                                           revenue_usd, completed_payments, last_activity)
            SELECT s.user_id, u.user_type, s.requests, s.tokens, s.credits_used, s.credits_bought, s.cost_usd,
                   s.revenue_usd, s.completed_payments,
                   coalesce((SELECT max(l.created_at) FROM usage_logs l WHERE l.user_id = s.user_id), '-infinity')
            FROM sums s JOIN users u ON u.id = s.user_id
            ON CONFLICT (user_id) DO UPDATE SET
                user_type = excluded.user_type,
                requests = t.requests + excluded.requests,
                tokens = t.tokens + excluded.tokens,
                credits_used = t.credits_used + excluded.credits_used,
                credits_bought = t.credits_bought + excluded.credits_bought,
                cost_usd = t.cost_usd + excluded.cost_usd,
                revenue_usd = t.revenue_usd + excluded.revenue_usd,
                completed_payments = t.completed_payments + excluded.completed_payments,
                last_activity = excluded.last_activity
            RETURNING t.user_type
        ), gone AS (
            SELECT s.user_id FROM sums s WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = s.user_id)
        ), dropped AS (
            DELETE FROM usage_totals t USING gone g WHERE t.user_id = g.user_id
        ), settled AS (
            DELETE FROM usage_deltas d USING gone g WHERE d.user_id = g.user_id
        ), touched AS (
            SELECT user_type FROM folded
            UNION
            SELECT t.user_type FROM usage_totals t JOIN sums s ON s.user_id = t.user_id
        ), hint AS (
            SELECT pg_notify('usage_changed', string_agg(user_type, ',')) FROM touched HAVING count(*) > 0
        )
        SELECT (SELECT count(*) FROM batch), EXISTS (SELECT FROM usage_deltas WHERE user_id IS NULL), (SELECT count(*) FROM hint)
        """;

    /// <summary>Folds until no delta is left.</summary>
    /// <returns>The number of deltas folded.</returns>
    /// <exception cref="NpgsqlException">The database failed; nothing of the failed batch was folded.</exception>
    internal async Task<long> DrainAsync(CancellationToken cancellation)
    {
        long total = 0;
        while (true)
        {
            var (folded, mustRebuild) = await FoldBatchAsync(cancellation);
            total += folded;
            if (mustRebuild)
                total += await RebuildAsync(cancellation);
            if (folded < batchSize)
                return total;
        }
    }

    private async Task<(long Folded, bool MustRebuild)> FoldBatchAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(FoldBatch, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = batchSize });

        // Npgsql keeps the statement prepared on the connection: planning it costs more than an empty look.
        await command.PrepareAsync(cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.GetBoolean(1));
    }

    private async Task<long> RebuildAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(TotalsTable.RebuildAll, connection) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
