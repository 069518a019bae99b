using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace UsageLogsSite.Retention;

/// <summary>
/// Runs transactions that need locks which writers may hold. Each attempt gives up well before PostgreSQL looks for deadlocks (after a
/// second, by default): then no writer waits for long behind it, and none is ever the one that a deadlock ends.
/// </summary>
internal static class BriefLock
{
    private static readonly TimeSpan FirstTimeout = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastTimeout = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(3);

    /// <summary>How long somebody may hold what is needed: a backup can do so for hours.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Does work in one transaction, anew as long as a lock is not to be had.</summary>
    /// <exception cref="RetentionException">The locks were not to be had for two minutes.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal static async Task<TResult> RunAsync<TResult>(
        NpgsqlDataSource source, TimeProvider time, Func<NpgsqlConnection, Task<TResult>> work, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        var (retry, timeout) = (FirstRetry, FirstTimeout);
        while (true)
        {
            await using var connection = await source.OpenConnectionAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            try
            {
                await using (var limits = new NpgsqlCommand(Limits(timeout), connection))
                    await limits.ExecuteNonQueryAsync(cancellation);
                var result = await work(connection);
                await transaction.CommitAsync(cancellation);
                return result;
            }
            catch (PostgresException e) when (IsContention(e))
            {
                if (Stopwatch.GetElapsedTime(start) > Patience)
                    throw new RetentionException("Others have been using usage_logs for two minutes without a break (a backup, or an open transaction): try again later.", e);
            }

            await Task.Delay(retry, time, cancellation);
            retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;

            // Among writers of long transactions a short wait may never fall into a gap.
            timeout = timeout * 2 < LastTimeout ? timeout * 2 : LastTimeout;
        }
    }

    private static string Limits(TimeSpan timeout) => string.Create(
        CultureInfo.InvariantCulture,
        $"SET LOCAL lock_timeout = {timeout.TotalMilliseconds:0}; SET LOCAL statement_timeout = 0; SET LOCAL TimeZone = 'UTC'");

    // Users may be deleted meanwhile, and their logs with them: a second look no longer finds either.
    private static bool IsContention(PostgresException e) => e.SqlState is PostgresErrorCodes.LockNotAvailable
        or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ForeignKeyViolation;
}

/// <summary>Partitions could not be made or dropped, for a reason that the operator can mend: the message says which.</summary>
internal sealed class RetentionException(string message, Exception? inner = null) : Exception(message, inner);
