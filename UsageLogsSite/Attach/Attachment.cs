using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Attach;

/// <summary>
/// Makes the site's tables copies of the product's, which may have other names, columns and types: triggers there note the keys of changed
/// rows, the elected instance copies these rows.
/// </summary>
/// <param name="owner">The database, as the owner of the site's tables.</param>
/// <param name="time">Times attempts.</param>
internal sealed class Attachment(NpgsqlDataSource owner, TimeProvider time)
{
    /// <summary>Rows copied in one transaction.</summary>
    private const int Batch = 20_000;

    private readonly string _schema = DatabaseSchema.Of(owner.ConnectionString);

    /// <summary>Looks up what a map names, and whether it makes sense.</summary>
    /// <exception cref="AttachException">It does not; the message says why.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<IReadOnlyList<AttachedTable>> PlanAsync(IReadOnlyDictionary<string, TableMap> maps, CancellationToken cancellation)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation); // never committed: nothing is changed
        await RefuseTakenNamesAsync(connection, cancellation);
        var attached = await AttachedTargets.ExistAsync(connection, cancellation) ? await AttachedTargets.ReadAsync(connection, cancellation) : [];
        var tables = new List<AttachedTable>();
        foreach (var (target, map) in maps)
        {
            tables.Add(new AttachedTable(target, map, await SourceTable.FindAsync(connection, map, _schema, cancellation)));
            if (attached.All(table => table.Target != target))
                await RefuseOwnRowsAsync(connection, target, cancellation);
        }

        foreach (var table in tables)
            await table.CheckAsync(connection, _schema, cancellation);
        return tables;
    }

    /// <summary>The SQL that attaches these tables, for whoever wants to read it, or to run it as it is.</summary>
    internal string Script(IReadOnlyList<AttachedTable> tables)
    {
        var script = new AttachScript(_schema, tables);
        return $"BEGIN;\nSET LOCAL lock_timeout = '900ms'; -- where it fails for that, run it again\n\n{script.Attach()}COMMIT;\n\n-- What is there already; a running site copies it.\n{string.Join("\n", tables.Select(script.Backfill))}\n{AttachScript.Sweep(_schema, "users")};\n";
    }

    /// <summary>Attaches tables, in place of what was attached before, and copies what is there already, while writers write.</summary>
    /// <param name="tables">What <see cref="PlanAsync"/> has found.</param>
    /// <param name="copied">Told how many rows have been looked at, now and then.</param>
    /// <param name="cancellation">Gives up; a running site goes on from there.</param>
    /// <returns>Rows looked at, and times that a row could not be copied.</returns>
    /// <exception cref="RetentionException">Others held locks for too long.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<(long Copied, long Failed)> AttachAsync(IReadOnlyList<AttachedTable> tables, Action<long> copied, CancellationToken cancellation)
    {
        var script = new AttachScript(_schema, tables);
        await BriefLock.RunAsync(owner, time, connection => ExecuteAsync(connection, script.Attach(), cancellation), cancellation);
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        await MakePartitionsAsync(connection, tables, cancellation);
        var (all, failed) = (0L, 0L);
        foreach (var table in tables)
        {
            await ExecuteAsync(connection, script.Backfill(table), cancellation);
            while (true)
            {
                var turn = await ApplyAsync(connection, Batch, cancellation);
                (all, failed) = (all + turn.Taken, failed + turn.Failed);
                if (turn.Taken == 0)
                    break;
                copied(all);
            }
        }

        await ExecuteAsync(connection, AttachScript.Sweep(_schema, "users"), cancellation);
        return (all, failed + await ApplyAllAsync(connection, cancellation));
    }

    /// <summary>Takes away all that attaching made; what was copied stays.</summary>
    /// <exception cref="RetentionException">Others held locks for too long.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal Task DetachAsync(CancellationToken cancellation) =>
        BriefLock.RunAsync(owner, time, connection => ExecuteAsync(connection, AttachScript.Detach(_schema), cancellation), cancellation);

    /// <summary>Has rows that could not be copied tried again.</summary>
    /// <returns>Their number.</returns>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<long> RetryAsync(CancellationToken cancellation)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        long rows = 0;
        foreach (var target in await AttachedTargets.ReadAsync(connection, cancellation))
            rows += await ExecuteAsync(connection, $"UPDATE {_schema}.attach_{target.Target} SET error = NULL WHERE error IS NOT NULL", cancellation);
        await ApplyAllAsync(connection, cancellation);
        return rows;
    }

    /// <summary>Removes the copies of rows that went without a trigger telling: with their partition, say.</summary>
    /// <returns>Whether every table could be compared; if not, the reason is kept.</returns>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<bool> SweepAsync(CancellationToken cancellation)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        var attached = await AttachedTargets.ReadAsync(connection, cancellation);

        // In one transaction: users are swept only after what is theirs.
        await ExecuteAsync(connection, string.Join("; ", attached.Select(table => AttachScript.Sweep(_schema, table.Target))), cancellation);
        return await ApplyAllAsync(connection, cancellation) == 0;
    }

    /// <returns>How often a row could not be copied.</returns>
    private static async Task<long> ApplyAllAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        for (var all = 0L; ;)
        {
            var (taken, failed) = await ApplyAsync(connection, Batch, cancellation);
            all += failed;
            if (taken == 0)
                return all;
        }
    }

    /// <summary>Copies the rows whose keys were noted longest ago.</summary>
    /// <param name="connection">Connected as the owner or the fold; its command timeout is not heeded.</param>
    /// <param name="most">Keys of each table in one transaction.</param>
    /// <param name="cancellation">Gives up; nothing of this transaction is copied then.</param>
    /// <returns>Keys taken, zero only when none was left, and how often a row could not be copied.</returns>
    internal static async Task<(long Taken, long Failed)> ApplyAsync(NpgsqlConnection connection, int most, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT taken, failed FROM {DatabaseSchema.Of(connection.ConnectionString)}.attach_apply($1)", connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>Rows that came in another way would be removed as not being the product's.</summary>
    private async Task RefuseOwnRowsAsync(NpgsqlConnection connection, string target, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM {_schema}.{target})", connection);
        if (await command.ExecuteScalarAsync(cancellation) is true)
            throw new AttachException($"The site's table {target} has rows of its own, which would be lost. Attach with a schema that is new, as in Search Path=usage.");
    }

    private async Task RefuseTakenNamesAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"{Made.Taken(_schema)} LIMIT 1", connection);
        if (await command.ExecuteScalarAsync(cancellation) is string name)
            throw new AttachException($"The schema {_schema} has {name} already, which attaching has not made. Attach with a schema of the site's own, as in Search Path=usage.");
    }

    /// <summary>Months far back get their partitions before their rows come: moving them later would hold up everybody.</summary>
    private async Task MakePartitionsAsync(NpgsqlConnection connection, IReadOnlyList<AttachedTable> tables, CancellationToken cancellation)
    {
        if (tables.FirstOrDefault(table => table.Target == "usage_logs") is not { } logs)
            return;
        var months = new List<DateTime>();
        try
        {
            await using var command = new NpgsqlCommand(
                $"""
                SET TimeZone = 'UTC';
                SELECT m.month FROM (SELECT DISTINCT date_trunc('month', ({logs.Map.Columns["created_at"]})::timestamptz, 'UTC') AS month FROM {logs.Source.Name} AS s WHERE {logs.Where}) m
                WHERE m.month >= now() - interval '10 years' AND m.month < now() + interval '3 months'
                """,
                connection)
            { CommandTimeout = 0 };
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                months.Add(reader.GetDateTime(0));
        }
        catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            // A row whose time makes no sense: it will be named when it is copied, and months go to the default partition.
        }

        foreach (var month in months)
            await BriefLock.RunAsync(owner, time, brief => ExecuteAsync(brief, $"SELECT usage_logs_add_partition('{month:yyyy-MM-dd}Z')", cancellation), cancellation);
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
