using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Live;

/// <summary>
/// Hears the rollup's hints on one connection of its own. After every gap it has everything compared anew, as hints are
/// not kept for those who were away.
/// </summary>
internal sealed partial class ChangeListener(
    Databases databases, FilterSets sets, TimeProvider time, LiveMetrics metrics, ILogger<ChangeListener> logger) : BackgroundService
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retry = FirstRetry;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await databases.Listener.OpenConnectionAsync(stoppingToken);
                connection.Notification += (_, notification) => Hear(notification.Payload);
                await using (var listen = new NpgsqlCommand("LISTEN usage_changed", connection))
                    await listen.ExecuteNonQueryAsync(stoppingToken);

                retry = FirstRetry;
                sets.Follow();
                LogListening(logger);
                while (true)
                    await connection.WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the site stays up and tries again: an exception that leaves here would end it.
                sets.Lose();
                metrics.ListenerLost();
                LogLost(logger, retry.TotalMilliseconds, e.Message, DatabaseFailure.Is(e) ? null : e);
                await Task.Delay(retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
    }

    private void Hear(string payload)
    {
        metrics.ChangeSeen();
        LogHeard(logger, payload);
        sets.Publish(UsageChange.Parse(payload));
    }

    [LoggerMessage(1005, LogLevel.Information, "Live: listening for changes")]
    private static partial void LogListening(ILogger logger);

    [LoggerMessage(1006, LogLevel.Warning, "Live: lost the database, connecting again in {RetryMs} ms: {Reason}")]
    private static partial void LogLost(ILogger logger, double retryMs, string reason, Exception? exception);

    [LoggerMessage(1007, LogLevel.Debug, "Live: totals changed for users of type '{Types}'")]
    private static partial void LogHeard(ILogger logger, string types);
}
