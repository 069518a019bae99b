using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>Asks again where only a connection was lost: nobody should be told of that.</summary>
internal static class ConnectionRetry
{
    /// <summary>More than two: while others make the pool forget its connections, it may still hand out one of them.</summary>
    private const int Attempts = 4;

    private static readonly ConditionalWeakTable<object, Pool> Pools = [];

    /// <summary>Reads with a context of its own.</summary>
    /// <param name="contexts">Makes the contexts.</param>
    /// <param name="read">What is read; run anew with another context after a lost connection.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(
        IDbContextFactory<UsageDbContext> contexts, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return RunAsync(contexts, ReadAsync, ForgetConnectionsAsync);

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

    /// <summary>Asks a data source.</summary>
    /// <param name="source">Whose connections may have ended.</param>
    /// <param name="ask">What is done; run anew after a lost connection, even if that was lost when all was done: it must be safe to do twice.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(NpgsqlDataSource source, Func<Task<T>> ask) => RunAsync(source, ask, () =>
    {
        source.Clear();
        return Task.CompletedTask;
    });

    private static async Task<T> RunAsync<T>(object pool, Func<Task<T>> ask, Func<Task> forgetConnections)
    {
        for (var attempt = 1; ; attempt++)
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                return await ask();
            }
            catch (Exception e) when (attempt < Attempts && DatabaseFailure.IsLostConnection(e))
            {
                // Where one connection has ended, others of the pool have too, and it cannot know.
                if (Pools.GetOrCreateValue(pool).MayForget(begun))
                    await forgetConnections();
            }
        }
    }

    /// <summary>When connections were forgotten: hundreds that find theirs lost at once must not throw away what each other has opened anew.</summary>
    private sealed class Pool
    {
        private long _forgotten = long.MinValue;

        /// <param name="begun">A timestamp of <see cref="Stopwatch"/>: when the attempt that failed began.</param>
        /// <returns>Whether nothing has been forgotten since then.</returns>
        internal bool MayForget(long begun)
        {
            var forgotten = Interlocked.Read(ref _forgotten);
            return forgotten < begun && Interlocked.CompareExchange(ref _forgotten, Stopwatch.GetTimestamp(), forgotten) == forgotten;
        }
    }
}
