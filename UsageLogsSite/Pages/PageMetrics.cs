using System.Diagnostics.Metrics;

namespace UsageLogsSite.Pages;

/// <summary>What answers are made of: meter <c>UsageLogsSite.Pages</c>.</summary>
internal sealed class PageMetrics
{
    internal const string MeterName = "UsageLogsSite.Pages";

    private const string Source = "usage_logs_site.fragment.source";

    private readonly Counter<long> _fragments;

    public PageMetrics(IMeterFactory meters) => _fragments = meters.Create(MeterName).CreateCounter<long>(
        "usage_logs_site.pages.fragments", "{answer}", "Answers of tables' fragments: not-modified (304, a hit), ready (bytes made before, a hit) or rendered (a miss).");

    internal void NotModified() => _fragments.Add(1, new KeyValuePair<string, object?>(Source, "not-modified"));

    internal void Ready() => _fragments.Add(1, new KeyValuePair<string, object?>(Source, "ready"));

    internal void Rendered() => _fragments.Add(1, new KeyValuePair<string, object?>(Source, "rendered"));
}
