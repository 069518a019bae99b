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

    private async Task BecomeLeaderAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        while (!await Election.TryWinAsync(connection, cancellation))
            await Task.Delay(ElectionPoll, time, cancellation);
    }

    [LoggerMessage(2001, LogLevel.Information, "Rollup: this instance folds")]
    private static partial void LogElected(ILogger logger);

    [LoggerMessage(2002, LogLevel.Warning, "Rollup: interrupted, trying again in {RetryMs} ms: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, double retryMs, string reason, Exception? exception);
}
