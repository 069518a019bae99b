using Microsoft.Extensions.Options;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Ingest;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Retention;

/// <summary>
/// What the elected instance does beside its fold: partitions for the months to come, what the ingest API need not remember any more, and
/// retention once a day if asked.
/// </summary>
internal sealed partial class Housekeeping(
    Databases databases, IOptions<RetentionOptions> options, IOptions<IngestOptions> ingest, TimeProvider time, ILogger<Housekeeping> logger) : IElectedDuty
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromDays(1);

    /// <summary>Runs until cancelled; a failure is told, and made good an hour later.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        DateTimeOffset? retained = null;
        while (true)
        {
            await TryAsync("partitions", async () => LogMade(logger, await new Partitions(databases.Rollup, time).MakeAheadAsync(cancellation)));
            await TryAsync("what is to be forgotten", () => new IngestRetention(databases.Rollup, time).ForgetAsync(ingest.Value.RememberIds, ingest.Value.RememberRequests, cancellation));
            var now = time.GetUtcNow();
            if (options.Value.Period is { } keep && !(now - retained < RetentionInterval) && await TryAsync("old months", () => RetainAsync(keep, cancellation)))
                retained = now;

            await Task.Delay(Interval, time, cancellation);
        }
    }

    /// <summary>Does one chore, so that none that fails keeps the others from being done.</summary>
    private async Task<bool> TryAsync(string chore, Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception e) when (e is RetentionException || DatabaseFailure.Is(e))
        {
            LogFailed(logger, chore, e.Message);
            return false;
        }
    }

    private async Task RetainAsync(RetentionPeriod keep, CancellationToken cancellation)
    {
        var retention = new LogRetention(databases.Owner!, time);
        var plan = await retention.PlanAsync(keep, cancellation);
        await retention.RunAsync(plan, (partition, logs) => LogDropped(logger, partition, logs, keep), cancellation);
    }

    [LoggerMessage(2101, LogLevel.Debug, "Partitions: {Made} made for the months to come")]
    private static partial void LogMade(ILogger logger, int made);

    [LoggerMessage(2102, LogLevel.Information, "Retention: {Partition} had {Logs} logs older than {Keep}; their sums are kept")]
    private static partial void LogDropped(ILogger logger, string partition, long logs, RetentionPeriod keep);

    [LoggerMessage(2103, LogLevel.Warning, "Housekeeping: {Chore} could not be looked after, trying again in an hour: {Reason}")]
    private static partial void LogFailed(ILogger logger, string chore, string reason);
}
