using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Folds deltas on the one instance that holds the advisory lock; the others ask for it once a second.
/// While there is work it polls, and writers stay silent; while there is none it sleeps, and a writer's NOTIFY wakes it:
/// interrupt mitigation as in Linux's NAPI.
/// </summary>
internal sealed partial class RollupService(
    Databases databases, IOptions<RollupOptions> options, TimeProvider time, RollupMetrics metrics, ILogger<RollupService> logger)
    : BackgroundService
{
    /// <summary>An arbitrary number that names the election; the same on every instance.</summary>
    private const long ElectionLock = 0x5553_4147_454C_4F47;

    private static readonly TimeSpan ElectionPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retry = FirstRetry;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await databases.Rollup.OpenConnectionAsync(stoppingToken);
                await BecomeLeaderAsync(connection, stoppingToken);
                LogElected(logger);
                retry = FirstRetry;
                await new RollupShift(connection, options.Value, time, metrics, logger).RunAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the site stays up and tries again: an exception that leaves here would end it.
                LogInterrupted(logger, retry.TotalMilliseconds, e.Message, DatabaseFailure.Is(e) ? null : e);
                await Task.Delay(retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
    }

    // The session holds the lock: it goes with the connection, whatever ends it. Asking, instead of waiting in the lock's queue,
    // holds no snapshot: one held for days would keep VACUUM from every dead row of the database.
    private async Task BecomeLeaderAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ElectionLock });
        while (await command.ExecuteScalarAsync(cancellation) is not true)
            await Task.Delay(ElectionPoll, time, cancellation);
    }

    [LoggerMessage(2001, LogLevel.Information, "Rollup: this instance folds")]
    private static partial void LogElected(ILogger logger);

    [LoggerMessage(2002, LogLevel.Warning, "Rollup: interrupted, trying again in {RetryMs} ms: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, double retryMs, string reason, Exception? exception);
}
