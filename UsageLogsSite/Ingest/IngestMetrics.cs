using System.Diagnostics.Metrics;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Ingest;

/// <summary>What is written over HTTP: meter <c>UsageLogsSite.Ingest</c>.</summary>
internal sealed class IngestMetrics
{
    internal const string MeterName = "UsageLogsSite.Ingest";

    private const string KindTag = "usage_logs_site.rows";

    private readonly Counter<long> _rows;
    private readonly Histogram<double> _requests;

    public IngestMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _rows = meter.CreateCounter<long>("usage_logs_site.ingest.rows", "{row}", "Rows of requests that were carried out.");
        _requests = meter.CreateHistogram("usage_logs_site.ingest.request.duration", "s", "A request to write rows, until it was answered.", advice: Buckets.Durations);
    }

    /// <summary>Counts the rows of a request that was carried out.</summary>
    internal void Stored(RowKind kind, IngestAnswer answer, bool isReplayed)
    {
        Count(kind, isReplayed ? 0 : answer.Inserted, "inserted");
        Count(kind, answer.Repeated + (isReplayed ? answer.Inserted : 0), "repeated");
    }

    /// <summary>Measures a request.</summary>
    internal void Answered(RowKind kind, int status, TimeSpan duration) =>
        _requests.Record(duration.TotalSeconds, new KeyValuePair<string, object?>(KindTag, kind.Name), new KeyValuePair<string, object?>("http.response.status_code", status));

    private void Count(RowKind kind, int rows, string result)
    {
        if (rows > 0)
            _rows.Add(rows, new KeyValuePair<string, object?>(KindTag, kind.Name), new KeyValuePair<string, object?>("usage_logs_site.result", result));
    }
}
