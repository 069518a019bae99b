using System.Data;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>Several statements that see the database at one moment, and change nothing in it.</summary>
internal static class Snapshot
{
    /// <summary>Reads as those may who see everything.</summary>
    /// <param name="contexts">Makes the contexts.</param>
    /// <param name="read">What is read; it must begin no transaction of its own, and is run anew after a lost connection.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> ReadAsync<T>(
        this IDbContextFactory<UsageDbContext> contexts, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation) =>
        ReadRetry.RunAsync(contexts, (database, token) => ReadAsync(database, read, token), cancellation);

    /// <summary>Reads as <see cref="ReadAsync{T}(IDbContextFactory{UsageDbContext}, Func{UsageDbContext, CancellationToken, Task{T}}, CancellationToken)"/> does, but what is read goes somewhere at once, and so cannot be read anew.</summary>
    internal static async Task<T> ReadOnceAsync<T>(
        this IDbContextFactory<UsageDbContext> contexts, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        return await ReadAsync(database, read, cancellation);
    }

    /// <summary>Reads in one transaction of a context.</summary>
    internal static async Task<T> ReadAsync<T>(
        UsageDbContext database, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        await database.Database.ExecuteSqlAsync($"SET TRANSACTION READ ONLY", cancellation);
        var result = await read(database, cancellation);
        await transaction.CommitAsync(cancellation);
        return result;
    }
}
