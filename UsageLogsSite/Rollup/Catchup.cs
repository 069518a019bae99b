using Npgsql;

namespace UsageLogsSite.Rollup;

/// <summary>Brings totals up to date on behalf of a command: by the site that folds, or by itself where none does.</summary>
/// <param name="connection">An open connection of its own: it may come to hold the election's lock until it is closed.</param>
/// <param name="options">How to fold.</param>
/// <param name="zone">The zone of days and hours, where no site folds.</param>
/// <param name="time">Paces the waiting.</param>
internal sealed class Catchup(NpgsqlConnection connection, RollupOptions options, TimeZoneInfo zone, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>Asks for a rebuild of all totals, and returns when it is done; whatever was committed before the call is in them.</summary>
    /// <param name="waits">Called once, if a site folds and is waited for.</param>
    /// <param name="cancellation">Stops waiting; a site that has been asked rebuilds all the same.</param>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task RebuildAsync(Action waits, CancellationToken cancellation)
    {
        // The id of the transaction that asks finds its request again: a fold deletes deltas, and never moves them.
        await using var ask = Command("""
            WITH asked AS (INSERT INTO usage_deltas (user_id) VALUES (NULL) RETURNING 1)
            SELECT pg_current_xact_id()::xid, pg_notify('usage_pending', '') FROM asked
            """);
        var request = (uint)(await ask.ExecuteScalarAsync(cancellation))!;

        var fold = new Fold(connection, options.BatchSize);
        var isWaiting = false;
        while (await IsOpenAsync(request, cancellation))
        {
            if (await Election.TryWinAsync(connection, cancellation))
            {
                if (!await fold.KeepInAsync(zone.Id, cancellation))
                    await fold.RebuildAsync(cancellation);
                return;
            }

            if (!isWaiting)
                waits();
            isWaiting = true;
            await Task.Delay(Look, time, cancellation);
        }
    }

    private async Task<bool> IsOpenAsync(uint request, CancellationToken cancellation)
    {
        await using var command = Command("SELECT EXISTS (SELECT FROM usage_deltas WHERE user_id IS NULL AND xmin = $1)");
        command.Parameters.Add(new NpgsqlParameter<uint> { TypedValue = request, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
