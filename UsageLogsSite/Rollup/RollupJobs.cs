using System.Threading.Channels;
using Microsoft.Extensions.Options;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>Does in the background, one at a time on this instance, what would take longer than a request may.</summary>
internal sealed partial class RollupJobs(
    Databases databases, IOptions<RollupOptions> options, TimeZoneInfo zone, TimeProvider time, ILogger<RollupJobs> logger) : BackgroundService
{
    private readonly Channel<RollupJob> _queue = Channel.CreateUnbounded<RollupJob>();
    private readonly Lock _starting = new();
    private volatile RollupJob? _last;
    private volatile RollupJob? _lastVerify;

    /// <summary>What runs, or ran last; null if nothing has.</summary>
    internal RollupJob? Last => _last;

    /// <summary>The last comparison; null if there was none.</summary>
    internal RollupJob? LastVerify => _lastVerify;

    /// <summary>Starts a job; while one runs, nothing.</summary>
    internal void Start(RollupJobKind kind)
    {
        lock (_starting)
        {
            if (_last is { IsRunning: true })
                return;
            var job = new RollupJob(kind, time.GetUtcNow().UtcDateTime);
            _last = job;
            if (kind == RollupJobKind.Verify)
                _lastVerify = job;
            _queue.Writer.TryWrite(job);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var job in _queue.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await (job.Kind == RollupJobKind.Verify ? VerifyAsync(job, stoppingToken) : RebuildAsync(stoppingToken));
                job.End(failure: null);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                job.End("The site was stopped meanwhile.");
                return;
            }
            catch (Exception e)
            {
                // An exception that leaves here would end the site.
                LogFailed(logger, job.Kind, DatabaseFailure.Is(e) ? null : e, e.Message);
                job.End(DatabaseFailure.Is(e) ? $"The database failed: {e.Message}" : "It failed on our side; the site's log tells more.");
            }
        }
    }

    private async Task VerifyAsync(RollupJob job, CancellationToken cancellation)
    {
        await using var connection = await databases.Rollup.OpenConnectionAsync(cancellation);
        var check = new TotalsCheck(connection, time);
        await foreach (var difference in check.DifferencesAsync(cancellation))
        {
            job.Found(difference);
            job.Progress(check);
        }

        job.Progress(check);
    }

    private async Task RebuildAsync(CancellationToken cancellation)
    {
        await using var connection = await databases.Rollup.OpenConnectionAsync(cancellation);
        await new Catchup(connection, options.Value, zone, time).RebuildAsync(static () => { }, cancellation);
    }

    [LoggerMessage(2201, LogLevel.Warning, "Rollup: {Kind} asked for by an admin failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, RollupJobKind kind, Exception? exception, string reason);
}
