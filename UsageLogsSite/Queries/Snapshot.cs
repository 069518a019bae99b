using System.Data;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>Several statements that see the database at one moment, and change nothing in it.</summary>
internal static class Snapshot
{
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
