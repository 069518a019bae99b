using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Tests.Support;

/// <summary>Makes contexts, and keeps the statements that they send, so that PostgreSQL can be asked how it would run them.</summary>
internal sealed class SentSql(NpgsqlDataSource dataSource) : DbCommandInterceptor, IDbContextFactory<UsageDbContext>
{
    private readonly ConcurrentQueue<NpgsqlCommand> _sent = new();

    /// <summary>Reads by these contexts, of the one server that there is.</summary>
    internal AdminDatabase Admin => new(
        this,
        new Replicas(
            "tests", ReplicaSources.None, dataSource, new PrimaryTimeline(), Options, TimeProvider.System, new ReplicaMetrics(Meters.Unread), NullLogger<Replicas>.Instance));

    private DbContextOptions<UsageDbContext> Options =>
        (DbContextOptions<UsageDbContext>)new DbContextOptionsBuilder<UsageDbContext>().UseUsageDatabase(dataSource).AddInterceptors(this).Options;

    public UsageDbContext CreateDbContext() => new(Options);

    public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        _sent.Enqueue((NpgsqlCommand)((NpgsqlCommand)command).Clone());
        return new(result);
    }

    internal void Clear() => _sent.Clear();

    /// <summary>The plans of all statements that were sent since the last call.</summary>
    /// <param name="options">What EXPLAIN is asked for, such as <c>ANALYZE</c>.</param>
    /// <param name="settings">Run before, such as <c>SET enable_seqscan = off</c>.</param>
    internal async Task<string> ExplainAsync(string options = "COSTS OFF", string settings = "")
    {
        Assert.NotEmpty(_sent);
        await using var connection = await dataSource.OpenConnectionAsync(PostgresDatabase.Cancellation);
        await using (var set = new NpgsqlCommand(settings + ";", connection))
            await set.ExecuteNonQueryAsync(PostgresDatabase.Cancellation);
        var plan = new List<string>();
        while (_sent.TryDequeue(out var sent))
        {
            sent.Connection = connection;
            sent.CommandText = $"EXPLAIN ({options}) {sent.CommandText}";
            await using var reader = await sent.ExecuteReaderAsync(PostgresDatabase.Cancellation);
            while (await reader.ReadAsync(PostgresDatabase.Cancellation))
                plan.Add(reader.GetString(0));
        }

        return string.Join('\n', plan);
    }
}
