using System.Runtime.CompilerServices;
using Npgsql;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Compares the kept totals with the raw tables at one snapshot, exactly: writers write and the fold folds meanwhile. The server
/// compares and only differences travel, one by one: memory does not grow with the data.
/// </summary>
/// <param name="connection">An open connection that may read all these tables, without a transaction; used by one caller at a time.</param>
/// <param name="time">Paces the waiting.</param>
internal sealed class TotalsCheck(NpgsqlConnection connection, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    /// <summary>Rows of totals that were compared.</summary>
    internal long Compared { get; private set; }

    /// <summary>Deltas that were not folded yet at the snapshot; they were counted in.</summary>
    internal long Pending { get; private set; }

    /// <summary>A rebuild was asked for, and there is no site that would do it: totals may differ.</summary>
    internal bool LacksRebuild { get; private set; }

    /// <summary>Reads every difference.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async IAsyncEnumerable<TotalsDifference> DifferencesAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var transaction = await BeginAsync(cancellation);
        foreach (var table in TotalsTable.All)
        {
            Compared += (long)(await Command($"SELECT count(*) FROM {table.Name}").ExecuteScalarAsync(cancellation))!;
            await using var reader = await Command(table.Differences).ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                yield return new TotalsDifference(table.Name, reader.GetString(0), reader.GetString(1), Text(reader, 2), Text(reader, 3));
        }
    }

    private static string Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);

    /// <summary>
    /// TRUNCATE ignores snapshots: locked out before ours is taken, without waiting, so that no writer can deadlock with us. Where
    /// one has asked for a rebuild, there is nothing to compare until a site has done it.
    /// </summary>
    private async Task<NpgsqlTransaction> BeginAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellation);
            try
            {
                await Command($"SET LOCAL TimeZone = 'UTC'; SET LOCAL jit = off; LOCK TABLE {TotalsTable.RawTables} IN ACCESS SHARE MODE NOWAIT").ExecuteNonQueryAsync(cancellation);
                var asked = await CountPendingAsync(cancellation);
                LacksRebuild = asked && !await Election.IsWonAsync(connection, cancellation);
                if (!asked || LacksRebuild)
                    return transaction;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // Somebody truncates or changes a table: its end is worth waiting for.
            }

            await transaction.DisposeAsync();
            await Task.Delay(Retry, time, cancellation);
        }
    }

    private async Task<bool> CountPendingAsync(CancellationToken cancellation)
    {
        await using var reader = await Command("SELECT count(user_id), count(*) > count(user_id) FROM usage_deltas").ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        Pending = reader.GetInt64(0);
        return reader.GetBoolean(1);
    }

    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}

/// <summary>A kept total that is not what the raw tables say.</summary>
/// <param name="Table">The table of totals.</param>
/// <param name="Key">Whose row: a user's id, or a type and an hour in UTC.</param>
/// <param name="Column">The column; <c>row</c> where a whole row is missing or too much.</param>
/// <param name="Expected">What the raw tables say, less what is not folded yet; times in UTC.</param>
/// <param name="Found">What is kept.</param>
internal sealed record TotalsDifference(string Table, string Key, string Column, string Expected, string Found);
