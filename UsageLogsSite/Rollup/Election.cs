using Npgsql;

namespace UsageLogsSite.Rollup;

/// <summary>Elects the one who folds: the session that holds an advisory lock, for as long as its connection lives.</summary>
internal static class Election
{
    /// <summary>An arbitrary number that names the election; the same on every instance.</summary>
    private const long Lock = 0x5553_4147_454C_4F47;

    /// <summary>Sites in several schemas of one database elect each their own.</summary>
    private const string LockOfSchema = "($1::bigint # (CASE current_schema() WHEN 'public' THEN 0 ELSE hashtext(current_schema()) END)::bigint)";

    /// <summary>
    /// Asks, instead of waiting in the lock's queue: a snapshot held there for days would keep VACUUM from every dead row of the
    /// database.
    /// </summary>
    /// <returns>Whether this session folds from now on.</returns>
    internal static async Task<bool> TryWinAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({LockOfSchema})", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Lock });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>Looks whether anybody folds: this session or another.</summary>
    internal static async Task<bool> IsWonAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // A key of 64 bits is shown as two halves.
        await using var command = new NpgsqlCommand(
            $"""
            SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::bigint << 32 | objid::bigint) = {LockOfSchema})
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Lock });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }
}
