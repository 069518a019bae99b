using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Turns deltas into totals, exactly once: each batch is one statement, so what it deletes and what it adds
/// commit together. Only the elected instance folds.
/// </summary>
/// <param name="connection">The elected instance's connection; used by one caller at a time.</param>
/// <param name="batchSize">Deltas folded in one transaction at most; it begins with fewer, and takes more while there is a backlog.</param>
/// <param name="time">Says when changes were seen.</param>
/// <param name="status">Told how far it came.</param>
internal sealed class Fold(NpgsqlConnection connection, int batchSize, TimeProvider time, RollupStatus status)
{
    /// <summary>Deltas in the first batch at most, which must succeed on any machine.</summary>
    private const int FirstSize = 10_000;

    /// <summary>A turn ends after this long even if deltas are left: its caller has more to look after.</summary>
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(1);

    /// <summary>A full batch that took less may be followed by a larger one.</summary>
    private static readonly TimeSpan ShortBatch = TimeSpan.FromSeconds(1);

    /// <summary>How often a backlog is counted, which takes a tenth of a second for a million deltas.</summary>
    private static readonly TimeSpan CountBacklog = TimeSpan.FromSeconds(5);

    private static readonly NpgsqlTid Front = new(0, 0);

    private NpgsqlTid _place = Front;
    private bool? _isByPlace;
    private int _size = Math.Min(FirstSize, batchSize);

    /// <summary>The last batch has left no delta that it saw.</summary>
    private bool _isCaughtUp;

    private long? _countedAt;
    private long _backlog;

    /// <summary>A fold on behalf of nobody who would ask how far it came.</summary>
    internal Fold(NpgsqlConnection connection, int batchSize)
        : this(connection, batchSize, TimeProvider.System, new RollupStatus(TimeProvider.System))
    {
    }

    /// <summary>Folds until no delta is left, or for a second.</summary>
    /// <returns>The number of deltas folded; zero only when none was left.</returns>
    /// <exception cref="NpgsqlException">The database failed; nothing of the failed batch was folded.</exception>
    internal async Task<long> DrainAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        long total = 0;
        for (var first = true; ; first = false)
        {
            var (place, began, beganAt) = (_place, Stopwatch.GetTimestamp(), time.GetUtcNow());
            var batch = await FoldBatchAsync(place, searchesRequest: first, cancellation);
            total += batch.Folded;
            var isLast = batch.Picked < _size;
            _place = isLast ? Front : batch.End;
            _isCaughtUp = isLast && place == Front;
            status.Look(beganAt, batch.Picked + (isLast ? 0 : await BacklogAsync(batch, cancellation)), _isCaughtUp);

            // A user's totals are written once in a batch, however many deltas it has: a backlog is folded faster in large ones.
            if (!isLast && Stopwatch.GetElapsedTime(began) < ShortBatch)
                _size = (int)Math.Min(2L * _size, batchSize);
            if (batch.MustRebuild)
                total += await RebuildAsync(cancellation);
            if (_isCaughtUp || (total > 0 && Stopwatch.GetElapsedTime(start) > LongestTurn))
                return total;
        }
    }

    private async Task<Batch> FoldBatchAsync(NpgsqlTid place, bool searchesRequest, CancellationToken cancellation)
    {
        using var span = Traces.Source.StartActivity("fold", ActivityKind.Producer);
        await PlanAsync(byPlace: true, cancellation);
        await using var command = new NpgsqlCommand(FoldStatement.Text, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _size });
        command.Parameters.Add(new NpgsqlParameter<NpgsqlTid> { TypedValue = place, NpgsqlDbType = NpgsqlDbType.Tid });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = searchesRequest });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = _isCaughtUp });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = new ChangeOrigin(status.FoldedUntil, span?.Context ?? default).Text });

        // Until this batch has ended well, nothing is known of what it left.
        _isCaughtUp = false;

        // Npgsql keeps the statement prepared on the connection: planning it costs more than an empty look.
        await command.PrepareAsync(cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var end = await reader.IsDBNullAsync(2, cancellation) ? Front : reader.GetFieldValue<NpgsqlTid>(2);
        var batch = new Batch(reader.GetInt64(0), reader.GetInt64(1), end, reader.GetBoolean(3));
        span?.SetTag("usage_logs_site.fold.deltas", batch.Folded);
        if (batch.Folded == 0)
            span.Forget(); // a busy fold looks twenty times a second
        return batch;
    }

    /// <summary>Deltas behind a full batch: counted now and then, and in between less by what was folded since.</summary>
    private async Task<long> BacklogAsync(Batch batch, CancellationToken cancellation)
    {
        if (_countedAt is { } last && Stopwatch.GetElapsedTime(last) < CountBacklog)
            return _backlog = Math.Max(0, _backlog - batch.Picked);
        _countedAt = Stopwatch.GetTimestamp();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM (SELECT FROM usage_deltas WHERE ctid > $1 LIMIT 1000000) d", connection);
        command.Parameters.Add(new NpgsqlParameter<NpgsqlTid> { TypedValue = batch.End, NpgsqlDbType = NpgsqlDbType.Tid });
        return _backlog = (long)(await command.ExecuteScalarAsync(cancellation))!;
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
        await PlanAsync(byPlace: false, cancellation);
        await using var command = new NpgsqlCommand(TotalsTable.RebuildAll, connection) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// A batch's rows are looked up one by one, even in a table that was small when its plan was made; a rebuild reads whole tables.
    /// Neither gets machine code made for it: the planner expects far more rows than there are, and it takes a second.
    /// </summary>
    private async Task PlanAsync(bool byPlace, CancellationToken cancellation)
    {
        if (_isByPlace == byPlace)
            return;
        await using var settings = new NpgsqlCommand($"SET jit = off; SET enable_seqscan = {(byPlace ? "off" : "on")}", connection);
        await settings.ExecuteNonQueryAsync(cancellation);
        _isByPlace = byPlace;
    }

    /// <param name="Folded">Deltas folded.</param>
    /// <param name="Picked">Rows looked at: those folded, and requests for a rebuild.</param>
    /// <param name="End">The place of the last one.</param>
    /// <param name="MustRebuild">A request for a rebuild was seen.</param>
    private readonly record struct Batch(long Folded, long Picked, NpgsqlTid End, bool MustRebuild);
}
