using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Turns deltas into totals, exactly once: each batch is one statement, so what it deletes and what it adds
/// commit together. Only the elected instance folds.
/// </summary>
/// <param name="connection">The elected instance's connection; used by one caller at a time.</param>
/// <param name="batchSize">Deltas folded in one transaction at most; it begins with fewer, and takes more while there is a backlog.</param>
internal sealed class Fold(NpgsqlConnection connection, int batchSize)
{
    /// <summary>
    /// The newest activity is looked up, never accumulated: a deletion can lower it, and deltas come in no order.
    /// The lookup and the batch see one snapshot; whatever commits later brings a delta of its own. Of a user who is gone, all
    /// deltas go at once, in later batches too: should the id come back, it begins at nothing.
    /// Each batch goes on where the last one ended ($2): one that began at the front would wade through all that the ones before
    /// it have deleted. For the same reason a rebuild's request, which no index finds, is searched for by some of them only ($3).
    /// The sums by hour lose each user's former row, which the snapshot still shows, and gain the new one. What becomes empty is known
    /// beforehand: one statement cannot both change a row and delete it.
    /// </summary>
    private const string FoldBatch = $"""
        WITH picked AS MATERIALIZED (
            SELECT ctid AS place, user_id FROM usage_deltas WHERE ctid > $2 LIMIT $1
        ), batch AS (
            DELETE FROM usage_deltas WHERE ctid = ANY (ARRAY(SELECT place FROM picked WHERE user_id IS NOT NULL)) RETURNING *
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
                   coalesce({TotalsTable.LastActivity}, '-infinity')
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
            RETURNING t.user_id, t.user_type, t.last_activity, t.requests, t.tokens, t.cost_usd, t.revenue_usd
        ), former AS (
            SELECT t.user_id, t.user_type, t.last_activity, t.requests, t.tokens, t.cost_usd, t.revenue_usd
            FROM usage_totals t JOIN sums s ON s.user_id = t.user_id
        ), gone AS (
            SELECT s.user_id FROM sums s WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = s.user_id)
        ), dropped AS (
            DELETE FROM usage_totals t USING gone g WHERE t.user_id = g.user_id
        ), settled AS (
            DELETE FROM usage_deltas d USING gone g WHERE d.user_id = g.user_id RETURNING d.*
        ), touched AS (
            SELECT user_type FROM folded
            UNION
            SELECT user_type FROM former
        ), moved AS (
            SELECT m.user_type, coalesce(h.hour, 'infinity') AS hour, sum(m.users) AS users, sum(m.users * m.requests) AS requests,
                   sum(m.users * m.tokens) AS tokens, sum(m.users * m.cost_usd) AS cost_usd, sum(m.users * m.revenue_usd) AS revenue_usd
            FROM (SELECT 1 AS users, * FROM folded UNION ALL SELECT -1, * FROM former) m,
                 LATERAL (SELECT date_trunc('hour', m.last_activity, 'UTC') AS hour) h
            GROUP BY m.user_type, ROLLUP (h.hour)
        ), emptied AS (
            DELETE FROM usage_activity a USING moved m WHERE (a.user_type, a.hour) = (m.user_type, m.hour) AND a.users + m.users <= 0
        ), kept AS (
            INSERT INTO usage_activity AS a (user_type, hour, users, requests, tokens, cost_usd, revenue_usd)
            SELECT m.user_type, m.hour, m.users, m.requests, m.tokens, m.cost_usd, m.revenue_usd
            FROM moved m LEFT JOIN usage_activity f ON (f.user_type, f.hour) = (m.user_type, m.hour)
            WHERE coalesce(f.users, 0) + m.users > 0
            ON CONFLICT (user_type, hour) DO UPDATE SET
                users = a.users + excluded.users,
                requests = a.requests + excluded.requests,
                tokens = a.tokens + excluded.tokens,
                cost_usd = a.cost_usd + excluded.cost_usd,
                revenue_usd = a.revenue_usd + excluded.revenue_usd
        ), {FoldOfPeriods.Expressions}, hint AS (
            SELECT pg_notify('usage_changed', string_agg(user_type, ',')) FROM touched HAVING count(*) > 0
        )
        SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM picked), (SELECT max(place) FROM picked),
               CASE WHEN $3 THEN EXISTS (SELECT FROM usage_deltas WHERE user_id IS NULL)
                    ELSE EXISTS (SELECT FROM picked WHERE user_id IS NULL) END,
               (SELECT count(*) FROM hint)
        """;

    /// <summary>Deltas in the first batch at most, which must succeed on any machine.</summary>
    private const int FirstSize = 10_000;

    /// <summary>A turn ends after this long even if deltas are left: its caller has more to look after.</summary>
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(1);

    /// <summary>A full batch that took less may be followed by a larger one.</summary>
    private static readonly TimeSpan ShortBatch = TimeSpan.FromSeconds(1);

    private static readonly NpgsqlTid Front = new(0, 0);

    private NpgsqlTid _place = Front;
    private bool _isCompiled = true;
    private int _size = Math.Min(FirstSize, batchSize);

    /// <summary>Folds until no delta is left, or for a second.</summary>
    /// <returns>The number of deltas folded; zero only when none was left.</returns>
    /// <exception cref="NpgsqlException">The database failed; nothing of the failed batch was folded.</exception>
    internal async Task<long> DrainAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        long total = 0;
        for (var first = true; ; first = false)
        {
            var (place, began) = (_place, Stopwatch.GetTimestamp());
            var batch = await FoldBatchAsync(place, searchesRequest: first, cancellation);
            total += batch.Folded;
            var isLast = batch.Picked < _size;
            _place = isLast ? Front : batch.End;

            // A user's totals are written once in a batch, however many deltas it has: a backlog is folded faster in large ones.
            if (!isLast && Stopwatch.GetElapsedTime(began) < ShortBatch)
                _size = (int)Math.Min(2L * _size, batchSize);
            if (batch.MustRebuild)
                total += await RebuildAsync(cancellation);
            if ((isLast && place == Front) || (total > 0 && Stopwatch.GetElapsedTime(start) > LongestTurn))
                return total;
        }
    }

    private async Task<Batch> FoldBatchAsync(NpgsqlTid place, bool searchesRequest, CancellationToken cancellation)
    {
        await InterpretAsync(cancellation);
        await using var command = new NpgsqlCommand(FoldBatch, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _size });
        command.Parameters.Add(new NpgsqlParameter<NpgsqlTid> { TypedValue = place, NpgsqlDbType = NpgsqlDbType.Tid });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = searchesRequest });

        // Npgsql keeps the statement prepared on the connection: planning it costs more than an empty look.
        await command.PrepareAsync(cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var end = await reader.IsDBNullAsync(2, cancellation) ? Front : reader.GetFieldValue<NpgsqlTid>(2);
        return new Batch(reader.GetInt64(0), reader.GetInt64(1), end, reader.GetBoolean(3));
    }

    /// <summary>
    /// Sees to it that days and hours are those of a zone: where they are of another one, or were never made, makes all totals anew.
    /// </summary>
    /// <param name="timeZone">The zone's IANA id, which PostgreSQL knows.</param>
    /// <param name="cancellation">Gives up; everything stays as it was.</param>
    /// <returns>Whether anything had to be made.</returns>
    internal async Task<bool> KeepInAsync(string timeZone, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var store = new NpgsqlCommand("UPDATE rollup_state SET time_zone = $1 WHERE time_zone IS DISTINCT FROM $1", connection);
        store.Parameters.Add(new NpgsqlParameter<string> { TypedValue = timeZone });
        if (await store.ExecuteNonQueryAsync(cancellation) == 0)
            return false;
        await RebuildAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Makes all totals anew, in one transaction: readers see the old ones until it commits.</summary>
    /// <returns>The number of deltas that became needless.</returns>
    internal async Task<long> RebuildAsync(CancellationToken cancellation)
    {
        await InterpretAsync(cancellation);
        await using var command = new NpgsqlCommand(TotalsTable.RebuildAll, connection) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The planner expects far more rows than there are, and would have a second of machine code made for each small batch.</summary>
    private async Task InterpretAsync(CancellationToken cancellation)
    {
        if (!_isCompiled)
            return;
        await using var interpret = new NpgsqlCommand("SET jit = off", connection);
        await interpret.ExecuteNonQueryAsync(cancellation);
        _isCompiled = false;
    }

    /// <param name="Folded">Deltas folded.</param>
    /// <param name="Picked">Rows looked at: those folded, and requests for a rebuild.</param>
    /// <param name="End">The place of the last one.</param>
    /// <param name="MustRebuild">A request for a rebuild was seen.</param>
    private readonly record struct Batch(long Folded, long Picked, NpgsqlTid End, bool MustRebuild);
}
