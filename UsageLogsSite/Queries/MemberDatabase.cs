using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Queries;

/// <summary>
/// What a member's pages ask. PostgreSQL shows the member's role the rows of one user: of whom, is set for a transaction at a time, and
/// forgotten with it.
/// </summary>
/// <remarks>
/// The policy is a condition on the user's id, and so a look by index in every table that begins its key with it. <c>usage_days</c> begins
/// with the day: ask for one day at a time (<c>CROSS JOIN LATERAL (… WHERE day = … LIMIT 1)</c>), not for a range of them.
/// </remarks>
internal sealed class MemberDatabase
{
    private readonly PooledDbContextFactory<UsageDbContext> _contexts;

    /// <param name="databases">The ways into the database.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Counts reads.</param>
    /// <param name="logging">Told of statements.</param>
    public MemberDatabase(Databases databases, TimeProvider time, ReplicaMetrics metrics, ILoggerFactory logging)
    {
        var options = new DbContextOptionsBuilder<UsageDbContext>();
        options.UseUsageDatabase(databases.Member).UseLoggerFactory(logging);
        _contexts = new(options.Options);
        Replicas = new("members", databases.MemberReplicas, databases.Member, databases.Timeline, options.Options, time, metrics, logging.CreateLogger<Replicas>());
    }

    /// <summary>Those that may answer instead of the primary.</summary>
    internal Replicas Replicas { get; }

    /// <summary>Reads rows of one user, all of one snapshot.</summary>
    /// <param name="userId">Whose rows there are.</param>
    /// <param name="read">What is read; it must begin no transaction of its own, and is run anew after a lost connection, or where a replica fails.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<T> ReadAsync<T>(Guid userId, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return Replicas.ReadAsync(ReadOnceAsync, () => ConnectionRetry.RunAsync(_contexts, ReadOnceAsync, cancellation), cancellation);

        Task<T> ReadOnceAsync(UsageDbContext database, CancellationToken token) => MemberDatabase.ReadOnceAsync(database, userId, read, token);
    }

    /// <summary>Reads as <see cref="ReadAsync"/> does, but what is read goes somewhere at once, and so cannot be read anew.</summary>
    internal Task<T> ReadOnceAsync<T>(Guid userId, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return Replicas.ReadOnceAsync(
            (database, token) => ReadOnceAsync(database, userId, read, token),
            async () =>
            {
                await using var database = await _contexts.CreateDbContextAsync(cancellation);
                return await ReadOnceAsync(database, userId, read, cancellation);
            },
            cancellation);
    }

    private static Task<T> ReadOnceAsync<T>(
        UsageDbContext database, Guid userId, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation) =>
        Snapshot.ReadAsync(
            database,
            async (identified, token) =>
            {
                var identity = userId == Scope.Nothing.UserId ? "" : userId.ToString();
                await identified.Database.ExecuteSqlAsync($"SELECT set_config('usage.user_id', {identity}, true)", token);
                return await read(identified, token);
            },
            cancellation);
}
