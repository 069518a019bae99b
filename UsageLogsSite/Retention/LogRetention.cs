using Npgsql;
using NpgsqlTypes;
using UsageLogsSite.Attach;

namespace UsageLogsSite.Retention;

/// <summary>
/// Drops the logs of old months, and keeps their sums by user and quarter of an hour: totals stay what they are.
/// </summary>
/// <remarks>
/// A partition that is summed and dropped in one go would have to be locked for as long as that takes, and everybody who touches the
/// table as a whole with it. So its rows become sums in small transactions, each exact in itself, and only the empty partition is locked
/// and dropped. The statements name the partition, not the table: no trigger counts what they do.
/// </remarks>
/// <param name="owner">The database, as the owner of the tables.</param>
/// <param name="time">Says which month it is.</param>
internal sealed class LogRetention(NpgsqlDataSource owner, TimeProvider time)
{
    /// <summary>Pages of 8 KB whose rows one transaction takes: about 25,000 rows.</summary>
    private const uint PagesAtOnce = 400;

    private readonly Partitions _partitions = new(owner, time);

    /// <summary>What would go.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    /// <exception cref="RetentionException">The logs are copies.</exception>
    internal async Task<RetentionPlan> PlanAsync(RetentionPeriod keep, CancellationToken cancellation)
    {
        await using (var connection = await owner.OpenConnectionAsync(cancellation))
        {
            if (await AttachedTargets.ExistAsync(connection, cancellation))
                throw new RetentionException("usage_logs is a copy of a table of the product's: what is deleted there goes here, too, and nothing is dropped by itself.");
        }

        var cut = keep.CutAt(time.GetUtcNow().UtcDateTime);
        await using var count = owner.CreateCommand($"SELECT count(*) FROM {Partitions.Default} WHERE created_at < $1");
        count.CommandTimeout = 0;
        count.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = cut });
        var strays = (long)(await count.ExecuteScalarAsync(cancellation))!;
        var old = (await _partitions.ListAsync(cancellation)).Where(p => p.End <= cut).ToList();
        return new RetentionPlan(cut, old, strays);
    }

    /// <summary>Drops what a plan names. Whatever ends it in between, the next run goes on from there.</summary>
    /// <param name="plan">What is to go.</param>
    /// <param name="dropped">Told of each partition that is gone, and how many logs it had.</param>
    /// <param name="cancellation">Ends it after the transaction under way.</param>
    /// <returns>The number of logs that became sums.</returns>
    /// <exception cref="RetentionException">Others held locks for too long.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<long> RunAsync(RetentionPlan plan, Action<string, long> dropped, CancellationToken cancellation)
    {
        long all = 0;
        foreach (var partition in plan.Partitions)
        {
            var logs = await DropAsync(partition.Name, plan.Cut, cancellation);
            all += logs;
            dropped(partition.Name, logs);
        }

        if (plan.Strays > 0)
        {
            var logs = await SumAsync(Partitions.Default, plan.Cut, cancellation);
            all += logs;
            dropped(Partitions.Default, logs);
        }

        return all;
    }

    private async Task<long> DropAsync(string partition, DateTime cut, CancellationToken cancellation)
    {
        long logs = 0;
        try
        {
            logs += await SumAsync(partition, cut, cancellation);
            await VacuumAsync(partition, cancellation);
            logs += await SumRestAndDropAsync(partition, cut, cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Another run at the same time has dropped it.
        }

        return logs;
    }

    /// <summary>Turns all logs of a partition that are older than the cut into sums.</summary>
    private async Task<long> SumAsync(string partition, DateTime cut, CancellationToken cancellation)
    {
        await using var size = owner.CreateCommand("SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int");
        size.Parameters.Add(new NpgsqlParameter<string> { TypedValue = partition });
        var pages = (long)(await size.ExecuteScalarAsync(cancellation))!;
        long logs = 0;
        for (uint page = 0; page < pages; page += PagesAtOnce)
        {
            var first = page;
            logs += await BriefLock.RunAsync(owner, time, connection => SumPagesAsync(connection, partition, first, first + PagesAtOnce, cut, cancellation), cancellation);
        }

        return logs;
    }

    private static async Task<long> SumPagesAsync(NpgsqlConnection connection, string partition, uint first, uint end, DateTime cut, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"""
            WITH gone AS (
                DELETE FROM {partition} WHERE ctid >= $1 AND ctid < $2 AND created_at < $3
                RETURNING user_id, created_at, prompt_tokens::bigint + completion_tokens AS tokens, credits, cost_usd
            ), kept AS (
                INSERT INTO usage_archive AS a (user_id, quarter, requests, tokens, credits, cost_usd, last_activity)
                SELECT user_id, date_bin('15 minutes', created_at, 'epoch'), count(*), sum(tokens), sum(credits), sum(cost_usd), max(created_at)
                FROM gone GROUP BY 1, 2
                ON CONFLICT (user_id, quarter) DO UPDATE SET
                    requests = a.requests + excluded.requests,
                    tokens = a.tokens + excluded.tokens,
                    credits = a.credits + excluded.credits,
                    cost_usd = a.cost_usd + excluded.cost_usd,
                    last_activity = greatest(a.last_activity, excluded.last_activity)
            )
            SELECT count(*) FROM gone
            """,
            connection)
        {
            CommandTimeout = 0,
        };
        command.Parameters.Add(Place(first));
        command.Parameters.Add(Place(end));
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = cut });
        return (long)(await command.ExecuteScalarAsync(cancellation))!;

        static NpgsqlParameter Place(uint page) => new NpgsqlParameter<NpgsqlTid> { TypedValue = new NpgsqlTid(page, 0), NpgsqlDbType = NpgsqlDbType.Tid };
    }

    /// <summary>Gives the pages back, so that a look for logs that came meanwhile takes no time under the lock.</summary>
    private async Task VacuumAsync(string partition, CancellationToken cancellation)
    {
        await using var vacuum = owner.CreateCommand($"VACUUM {partition}");
        vacuum.CommandTimeout = 0;
        await vacuum.ExecuteNonQueryAsync(cancellation);
    }

    /// <returns>The number of logs that writers added meanwhile.</returns>
    private Task<long> SumRestAndDropAsync(string partition, DateTime cut, CancellationToken cancellation) => BriefLock.RunAsync(
        owner,
        time,
        async connection =>
        {
            // The table first, as writers do it. From then on all wait for us: better to try again than to let them wait for long.
            await ExecuteAsync($"LOCK TABLE ONLY usage_logs IN ACCESS EXCLUSIVE MODE; LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE; SET LOCAL statement_timeout = '500ms'");
            var logs = await SumPagesAsync(connection, partition, 0, uint.MaxValue, cut, cancellation);
            await ExecuteAsync($"DROP TABLE {partition}");
            return logs;

            async Task ExecuteAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync(cancellation);
            }
        },
        cancellation);
}

/// <summary>What retention would drop.</summary>
/// <param name="Cut">Logs made before this time (UTC) go.</param>
/// <param name="Partitions">The partitions that are older as a whole, oldest first.</param>
/// <param name="Strays">Number of older logs in the default partition.</param>
internal sealed record RetentionPlan(DateTime Cut, IReadOnlyList<Partition> Partitions, long Strays)
{
    /// <summary>Whether there is nothing to drop.</summary>
    internal bool IsEmpty => Partitions.Count == 0 && Strays == 0;
}
