using System.Diagnostics.Metrics;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Alerts;

/// <summary>What alerts do, on the elected instance: meter <c>UsageLogsSite.Alerts</c>.</summary>
internal sealed class AlertMetrics
{
    internal const string MeterName = "UsageLogsSite.Alerts";

    private readonly Histogram<double> _checks;
    private readonly Counter<long> _fired;
    private readonly Histogram<double> _deliveries;
    private long _givenUp;

    public AlertMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _checks = meter.CreateHistogram<double>("usage_logs_site.alerts.check.duration", "s", "Time taken to check all rules.", advice: Buckets.Durations);
        _fired = meter.CreateCounter<long>("usage_logs_site.alerts.fired", "{alert}", "Alerts that fired.");
        _deliveries = meter.CreateHistogram<double>("usage_logs_site.alerts.delivery.duration", "s", "Time taken by an attempt to post to a webhook.", advice: Buckets.Durations);

        // Observed and not added to: an alert on its increase needs the series before its first case.
        meter.CreateObservableCounter("usage_logs_site.alerts.given_up_deliveries", () => Volatile.Read(ref _givenUp), "{delivery}", "Deliveries that failed and are not tried again.");
    }

    internal void Checked(TimeSpan elapsed, bool failed) => _checks.Record(elapsed.TotalSeconds, Result(failed ? "failed" : "ok"));

    internal void Fired(int alerts) => _fired.Add(alerts);

    /// <summary>A webhook was posted to.</summary>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="problem">Why it counts as not delivered; null if it was.</param>
    /// <param name="isTriedAgain">Whether another attempt follows.</param>
    internal void Posted(TimeSpan elapsed, string? problem, bool isTriedAgain)
    {
        if (problem is not null && !isTriedAgain)
            Interlocked.Increment(ref _givenUp);
        _deliveries.Record(elapsed.TotalSeconds, Result(problem is null ? "delivered" : isTriedAgain ? "retried" : "given-up"));
    }

    private static KeyValuePair<string, object?> Result(string result) => new("usage_logs_site.result", result);
}
