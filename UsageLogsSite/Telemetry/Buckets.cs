using System.Diagnostics.Metrics;

namespace UsageLogsSite.Telemetry;

/// <summary>The buckets of durations in seconds: OpenTelemetry's defaults are for milliseconds.</summary>
internal static class Buckets
{
    internal static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };
}
