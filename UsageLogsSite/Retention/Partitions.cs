using Npgsql;

namespace UsageLogsSite.Retention;

/// <summary>The monthly partitions of <c>usage_logs</c>: those that are there, and those to come.</summary>
/// <param name="source">The database, as somebody who may make them: the owner, or the rollup by the function it may call.</param>
/// <param name="time">Says which month it is.</param>
internal sealed class Partitions(NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>The partition for rows of months that have none; its name is known to the migrations.</summary>
    internal const string Default = "usage_logs_default";

    /// <summary>Rows are those that PostgreSQL's statistics count; bounds are printed and read back in one session, so in one time zone.</summary>
    private const string List = """
        SELECT c.relname, b.bounds[1]::timestamptz, b.bounds[2]::timestamptz, pg_stat_get_live_tuples(c.oid), pg_total_relation_size(c.oid)
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
             LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('([^']+)'\) TO \('([^']+)'\)$$) AS bounds) b
        WHERE i.inhparent = 'usage_logs'::regclass
        ORDER BY 2 NULLS LAST
        """;

    /// <summary>How many months after the current one have a partition.</summary>
    private const int MonthsAhead = 3;

    /// <summary>Makes the partitions of the current month and the next three, where they are missing.</summary>
    /// <returns>The number of partitions made.</returns>
    /// <exception cref="RetentionException">Others held locks for too long; rows go to the default partition all the same.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal Task<int> MakeAheadAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return MakeAsync(now, MonthOf(now).AddMonths(MonthsAhead), cancellation);
    }

    /// <summary>Makes the partitions of all months from one time (UTC) to another, where they are missing.</summary>
    /// <returns>The number of partitions made.</returns>
    /// <exception cref="RetentionException">Others held locks for too long; rows go to the default partition all the same.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<int> MakeAsync(DateTime from, DateTime to, CancellationToken cancellation)
    {
        var there = (await ListAsync(cancellation)).Select(p => p.Start).ToHashSet();
        var made = 0;
        for (var month = MonthOf(from); month <= to; month = month.AddMonths(1))
        {
            if (!there.Contains(month) && await MakeAsync(month, cancellation))
                made++;
        }

        return made;
    }

    /// <summary>All partitions, oldest first, the default one last.</summary>
    internal async Task<IReadOnlyList<Partition>> ListAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(List);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var partitions = new List<Partition>();
        while (await reader.ReadAsync(cancellation))
        {
            partitions.Add(new Partition(
                reader.GetString(0),
                await reader.IsDBNullAsync(1, cancellation) ? null : reader.GetDateTime(1),
                await reader.IsDBNullAsync(2, cancellation) ? null : reader.GetDateTime(2),
                reader.GetInt64(3),
                reader.GetInt64(4)));
        }

        return partitions;
    }

    /// <summary>The month of a time, both in UTC.</summary>
    internal static DateTime MonthOf(DateTime at) => new(at.Year, at.Month, 1, 0, 0, 0, DateTimeKind.Utc);

    private Task<bool> MakeAsync(DateTime month, CancellationToken cancellation) => BriefLock.RunAsync(
        source,
        time,
        async connection =>
        {
            await using var command = new NpgsqlCommand("SELECT usage_logs_add_partition($1)", connection) { CommandTimeout = 0 };
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = month });
            return (bool)(await command.ExecuteScalarAsync(cancellation))!;
        },
        cancellation);
}

/// <summary>One partition of <c>usage_logs</c>.</summary>
/// <param name="Name">The table's name.</param>
/// <param name="Start">The first moment of its month, in UTC; null for the default partition.</param>
/// <param name="End">The first moment after its month, in UTC; null for the default partition.</param>
/// <param name="Rows">How many rows it has, about.</param>
/// <param name="Bytes">Its size on disk with its indexes.</param>
internal sealed record Partition(string Name, DateTime? Start, DateTime? End, long Rows, long Bytes);
