using System.Diagnostics.Metrics;

namespace UsageLogsSite.Access;

/// <summary>What limits refuse: meter <c>UsageLogsSite.Access</c>.</summary>
internal sealed class LimitMetrics
{
    internal const string MeterName = "UsageLogsSite.Access";

    private readonly Counter<long> _refusals;

    public LimitMetrics(IMeterFactory meters) => _refusals = meters.Create(MeterName).CreateCounter<long>(
        "usage_logs_site.limits.refusals", "{refusal}", "Requests that a limit refused, by the limit.");

    /// <summary>Counts a refusal.</summary>
    /// <param name="limit">The limit: one of a few names, never whom it counts.</param>
    internal void Refused(string limit) => _refusals.Add(1, new KeyValuePair<string, object?>("usage_logs_site.limit", limit));
}
