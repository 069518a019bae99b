using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>Asks again where only a connection was lost: nobody should be told of that.</summary>
internal static class ConnectionRetry
{
    /// <summary>More than two: while one makes the pool forget its connections, which others then do not wait for, it may still hand out one of them.</summary>
    private const int Attempts = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private static readonly ConditionalWeakTable<object, Pool> Pools = [];

    /// <summary>Reads with a context of its own.</summary>
    /// <param name="contexts">Makes the contexts.</param>
    /// <param name="read">What is read; run anew with another context after a lost connection.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(
        IDbContextFactory<UsageDbContext> contexts, Func<UsageDbContext, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        return RunAsync(contexts, ReadAsync, ForgetConnections);

        async Task<T> ReadAsync()
        {
            await using var database = await contexts.CreateDbContextAsync(cancellation);
            return await read(database, cancellation);
        }

        void ForgetConnections()
        {
            using var database = contexts.CreateDbContext();
            NpgsqlConnection.ClearPool((NpgsqlConnection)database.Database.GetDbConnection());
        }
    }

    /// <summary>Asks a data source.</summary>
    /// <param name="source">Whose connections may have ended.</param>
    /// <param name="ask">What is done; run anew after a lost connection, even if that was lost when all was done: it must be safe to do twice.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static Task<T> RunAsync<T>(NpgsqlDataSource source, Func<Task<T>> ask) => RunAsync(source, ask, source.Clear);

    private static async Task<T> RunAsync<T>(object pool, Func<Task<T>> ask, Action forgetConnections)
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
                Pools.GetOrCreateValue(pool).Forget(begun, forgetConnections);
                if (attempt > 1)
                    await Task.Delay(Pause * attempt);
            }
        }
    }

    /// <summary>When connections were forgotten: hundreds that find theirs lost at once must not throw away what each other has opened anew.</summary>
    private sealed class Pool
    {
        private readonly Lock _gate = new();
        private long _forgotten = long.MinValue;

        /// <summary>Forgets connections, unless that was done after the attempt that failed had begun.</summary>
        /// <param name="begun">When that was: a timestamp of <see cref="Stopwatch"/>.</param>
        /// <param name="forget">Forgets them.</param>
        internal void Forget(long begun, Action forget)
        {
            lock (_gate)
            {
                if (_forgotten >= begun)
                    return;
                forget();
                _forgotten = Stopwatch.GetTimestamp();
            }
        }
    }
}
