using Npgsql;

namespace UsageLogsSite.Retention;

/// <summary>Takes away what the ingest API remembers of rows and requests, once it is old.</summary>
/// <param name="rollup">The database, as the rollup.</param>
/// <param name="time">Says how old.</param>
internal sealed class IngestRetention(NpgsqlDataSource rollup, TimeProvider time)
{
    /// <summary>Rows of one transaction: few enough that nobody waits for it.</summary>
    private const int RowsAtOnce = 10_000;

    /// <summary>Forgets, a little at a time.</summary>
    /// <param name="ids">How long the ids of rows are remembered.</param>
    /// <param name="requests">How long answers are kept.</param>
    /// <param name="cancellation">Ends it after the transaction under way.</param>
    /// <returns>How many rows are gone.</returns>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<long> ForgetAsync(TimeSpan ids, TimeSpan requests, CancellationToken cancellation) =>
        await ForgetAsync("ingest_ids", ids, cancellation) + await ForgetAsync("ingest_requests", requests, cancellation);

    private async Task<long> ForgetAsync(string table, TimeSpan after, CancellationToken cancellation)
    {
        var before = time.GetUtcNow().UtcDateTime - after;
        long all = 0;
        while (true)
        {
            await using var delete = rollup.CreateCommand($"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE at < $1 LIMIT {RowsAtOnce}))");
            delete.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = before });
            var gone = await delete.ExecuteNonQueryAsync(cancellation);
            all += gone;
            if (gone < RowsAtOnce)
                return all;
        }
    }
}
