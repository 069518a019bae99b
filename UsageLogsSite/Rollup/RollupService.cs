using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Folds deltas on the one instance that holds the advisory lock; the others wait for it without a query.
/// While there is work it polls, and writers stay silent; while there is none it sleeps, and a writer's NOTIFY wakes it:
/// interrupt mitigation as in Linux's NAPI.
/// </summary>
internal sealed partial class RollupService(
    Databases databases, IOptions<RollupOptions> options, TimeProvider time, RollupMetrics metrics, ILogger<RollupService> logger)
    : BackgroundService
{
    /// <summary>An arbitrary number that names the election; the same on every instance.</summary>
    private const long ElectionLock = 0x5553_4147_454C_4F47;

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
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                LogInterrupted(logger, retry.TotalMilliseconds, e.Message);
                await Task.Delay(retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
    }

    // The session holds the lock: it goes with the connection, whatever ends it.
    private static async Task BecomeLeaderAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock($1)", connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ElectionLock });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(2001, LogLevel.Information, "Rollup: this instance folds")]
    private static partial void LogElected(ILogger logger);

    [LoggerMessage(2002, LogLevel.Warning, "Rollup: interrupted, trying again in {RetryMs} ms: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, double retryMs, string reason);
}
