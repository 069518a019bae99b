using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>
/// Folds deltas on the one instance that holds the advisory lock; the others ask for it once a second.
/// While there is work it polls, and writers stay silent; while there is none it sleeps, and a writer's NOTIFY wakes it:
/// interrupt mitigation as in Linux's NAPI.
/// </summary>
internal sealed partial class RollupService(
    Databases databases, IOptions<RollupOptions> options, TimeZoneInfo zone, TimeProvider time, RollupMetrics metrics, RollupStatus status,
    IEnumerable<IElectedDuty> duties, ILogger<RollupService> logger)
    : ReconnectingService(databases, databases.Rollup, TimeSpan.FromMilliseconds(250), time)
{
    private static readonly TimeSpan ElectionPoll = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task BeginAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        while (!await Election.TryWinAsync(connection, cancellation))
        {
            status.Yield();
            await Task.Delay(ElectionPoll, Time, cancellation);
        }
    }

    /// <inheritdoc />
    protected override async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        LogElected(logger);
        status.Elect();
        using var term = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var work = Task.WhenAll(duties.Select(duty => duty.RunAsync(term.Token)));
        try
        {
            await new RollupShift(connection, options.Value, zone, Time, metrics, status, logger).RunAsync(cancellation);
        }
        finally
        {
            status.Resign();
            await term.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc />
    protected override void Lose(TimeSpan retry, string reason, Exception? bug) => LogInterrupted(logger, retry.TotalMilliseconds, reason, bug);

    [LoggerMessage(2001, LogLevel.Information, "Rollup: this instance folds")]
    private static partial void LogElected(ILogger logger);

    [LoggerMessage(2002, LogLevel.Warning, "Rollup: interrupted, trying again in {RetryMs} ms: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, double retryMs, string reason, Exception? exception);
}
