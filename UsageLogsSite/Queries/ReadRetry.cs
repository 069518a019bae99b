using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>Reads again where only a connection was lost: no reader should be told of that.</summary>
internal static class ReadRetry
{
    /// <summary>More than two: while others make the pool forget its connections, it may still hand out one of them.</summary>
    private const int Attempts = 4;

    /// <summary>Reads with a context of its own.</summary>
    /// <param name="contexts">Makes the contexts.</param>
    /// <param name="read">What is read; run anew with another context after a lost connection.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(
        IDbContextFactory<UsageDbContext> contexts, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return RunAsync(ReadAsync, ForgetConnectionsAsync);

        async Task<T> ReadAsync()
        {
            await using var database = await contexts.CreateDbContextAsync(cancellation);
            return await read(database, cancellation);
        }

        async Task ForgetConnectionsAsync()
        {
            await using var database = await contexts.CreateDbContextAsync(cancellation);
            NpgsqlConnection.ClearPool((NpgsqlConnection)database.Database.GetDbConnection());
        }
    }

    /// <summary>Reads from a data source.</summary>
    /// <param name="source">Whose connections may have ended.</param>
    /// <param name="read">What is read; run anew after a lost connection.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(NpgsqlDataSource source, Func<Task<T>> read) => RunAsync(read, () =>
    {
        source.Clear();
        return Task.CompletedTask;
    });

    private static async Task<T> RunAsync<T>(Func<Task<T>> read, Func<Task> forgetConnections)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await read();
            }
            catch (Exception e) when (attempt < Attempts && DatabaseFailure.IsLostConnection(e))
            {
                await forgetConnections(); // where one connection has ended, others of the pool have too, and it cannot know
            }
        }
    }
}
