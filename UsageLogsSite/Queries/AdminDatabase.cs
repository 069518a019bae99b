using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>What pages of owners and analysts show: every row, read on a replica where one can be asked.</summary>
/// <param name="contexts">Makes contexts of the primary.</param>
/// <param name="replicas">Those that may answer instead.</param>
internal sealed class AdminDatabase(IDbContextFactory<UsageDbContext> contexts, Replicas replicas)
{
    /// <summary>Those that may answer instead of the primary.</summary>
    internal Replicas Replicas => replicas;

    /// <summary>Reads one statement, or several that need not be of one moment.</summary>
    /// <param name="read">What is read; run anew after a lost connection, and on the primary where a replica fails.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<T> ReadAsync<T>(Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation) =>
        replicas.ReadAsync(read, () => ConnectionRetry.RunAsync(contexts, read, cancellation), cancellation);

    /// <summary>Reads as <see cref="ReadAsync"/> does, all of one snapshot: it must begin no transaction of its own.</summary>
    internal Task<T> ReadSnapshotAsync<T>(Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation) =>
        ReadAsync((database, token) => Snapshot.ReadAsync(database, read, token), cancellation);

    /// <summary>Reads as <see cref="ReadSnapshotAsync"/> does, but what is read goes somewhere at once, and so cannot be read anew.</summary>
    internal Task<T> ReadOnceAsync<T>(Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return replicas.ReadOnceAsync(
            (database, token) => Snapshot.ReadAsync(database, read, token),
            async () =>
            {
                await using var database = await contexts.CreateDbContextAsync(cancellation);
                return await Snapshot.ReadAsync(database, read, cancellation);
            },
            cancellation);
    }
}
