using System.Diagnostics.Metrics;

namespace UsageLogsSite.Rollup;

/// <summary>What the fold did: meter <c>UsageLogsSite.Rollup</c>.</summary>
internal sealed class RollupMetrics
{
    internal const string MeterName = "UsageLogsSite.Rollup";

    private readonly Counter<long> _deltas;
    private readonly Histogram<double> _duration;

    public RollupMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _deltas = meter.CreateCounter<long>("usage.rollup.deltas", "{delta}", "Deltas folded into totals.");
        _duration = meter.CreateHistogram<double>("usage.rollup.fold.duration", "s", "Time taken by a fold that found work.");
    }

    internal void Folded(long deltas, TimeSpan elapsed)
    {
        _deltas.Add(deltas);
        _duration.Record(elapsed.TotalSeconds);
    }
}
