using System.Diagnostics.Metrics;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Rollup;

/// <summary>What the fold does: meter <c>UsageLogsSite.Rollup</c>. Instances that leave the fold to another one report no lag, and no pending deltas.</summary>
internal sealed class RollupMetrics
{
    internal const string MeterName = "UsageLogsSite.Rollup";

    private readonly Counter<long> _deltas;
    private readonly Histogram<double> _duration;

    public RollupMetrics(IMeterFactory meters, RollupStatus status)
    {
        var meter = meters.Create(MeterName);
        _deltas = meter.CreateCounter<long>("usage_logs_site.rollup.folded_deltas", "{delta}", "Deltas folded into totals.");
        _duration = meter.CreateHistogram<double>("usage_logs_site.rollup.fold.duration", "s", "Time taken by a fold that found work.", advice: Buckets.Durations);
        meter.CreateObservableGauge("usage_logs_site.rollup.elected", () => status.IsElected ? 1 : 0, "{instance}", "1 on the instance that folds, 0 on all others.");
        meter.CreateObservableGauge(
            "usage_logs_site.rollup.lag", () => Known<double>(status.Lag?.TotalSeconds), "s",
            "Age of the oldest delta that can be unfolded; zero while the fold sleeps.");
        meter.CreateObservableGauge(
            "usage_logs_site.rollup.pending_deltas", () => Known(status.Pending), "{delta}",
            "Deltas that waited at the fold's last look; a backlog is counted every 5 seconds, up to a million behind the current batch.");
        meter.CreateObservableGauge(
            "usage_logs_site.attach.pending_keys", () => Known(status.Noted?.Pending), "{key}",
            "Keys of attached tables' changed rows that waited to be copied when they were last counted, up to a million of each table.");
        meter.CreateObservableGauge(
            "usage_logs_site.attach.failed_rows", () => Known(status.Noted?.Failed), "{row}",
            "Rows of attached tables that could not be copied, up to ten thousand of each table.");
        meter.CreateObservableGauge(
            "usage_logs_site.attach.failing", () => Known<double>(status.CopyingFailsFor?.TotalSeconds), "s",
            "For how long nothing could be copied from attached tables; zero while it can.");
    }

    internal void Folded(long deltas, TimeSpan elapsed)
    {
        _deltas.Add(deltas);
        _duration.Record(elapsed.TotalSeconds);
    }

    private static Measurement<T>[] Known<T>(T? value)
        where T : struct => value is { } known ? [new Measurement<T>(known)] : [];
}
