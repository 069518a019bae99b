using System.Diagnostics.Metrics;
using UsageLogsSite.Queries;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Live;

/// <summary>What the live engine does: meter <c>UsageLogsSite.Live</c>. No tag says who, from where or what exactly: all have a few values.</summary>
internal sealed class LiveMetrics
{
    internal const string MeterName = "UsageLogsSite.Live";

    /// <summary>Goals lie between 50 ms, a lone change on a quick machine, and 10 s, where somebody should be called.</summary>
    private static readonly double[] LatencyBuckets = [0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10];

    private readonly UpDownCounter<int> _streams;
    private readonly UpDownCounter<int> _filterSets;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _events;
    private readonly Counter<long> _changes;
    private readonly Counter<long> _debounced;
    private readonly Counter<long> _reconnects;
    private readonly Histogram<double> _refreshes;
    private readonly Histogram<double> _latency;

    public LiveMetrics(IMeterFactory meters, ListenerStatus listener)
    {
        var meter = meters.Create(MeterName);
        _streams = meter.CreateUpDownCounter<int>("usage_logs_site.live.active_streams", "{stream}", "Open streams.");
        _ended = meter.CreateCounter<long>("usage_logs_site.live.ended_streams", "{stream}", "Streams that ended, by why.");
        _filterSets = meter.CreateUpDownCounter<int>("usage_logs_site.live.filter_sets", "{set}", "Filter sets that somebody watches.");
        _events = meter.CreateCounter<long>("usage_logs_site.live.events", "{event}", "Events written to streams.");
        _changes = meter.CreateCounter<long>("usage_logs_site.live.changes", "{change}", "Change hints received from the database.");
        _debounced = meter.CreateCounter<long>(
            "usage_logs_site.live.debounced_changes", "{change}", "Times that a change reached a filter set whose refresh was pending already: it costs nothing more.");
        _reconnects = meter.CreateCounter<long>("usage_logs_site.live.listener.reconnects", "{reconnect}", "Times the listener lost its connection.");
        meter.CreateObservableGauge("usage_logs_site.live.listener.following", () => listener.IsFollowing ? 1 : 0, "{listener}", "1 while changes are heard, 0 while the listener connects.");
        meter.CreateObservableGauge("usage_logs_site.live.listener.state.age", () => listener.Age.TotalSeconds, "s", "How long the listener has been following, or connecting.");
        _refreshes = meter.CreateHistogram<double>("usage_logs_site.live.refresh.duration", "s", "Time taken to ask for a filter set's content.", advice: Buckets.Durations);
        _latency = meter.CreateHistogram(
            "usage_logs_site.live.event.latency", "s",
            "From the earliest moment at which the oldest change can have been committed (that of the writer's NOTIFY where the fold slept, else the last look that " +
            "had left nothing unfolded) to the event written to a stream.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = LatencyBuckets });
    }

    internal void StreamOpened(Question question) => _streams.Add(1, KindOf(question));

    internal void StreamClosed(Question question, StreamEnd why)
    {
        _streams.Add(-1, KindOf(question));
        _ended.Add(1, KindOf(question), new("usage_logs_site.stream.end", NameOf(why)));
    }

    internal void FilterSetOpened() => _filterSets.Add(1);

    internal void FilterSetClosed() => _filterSets.Add(-1);

    /// <summary>An event was written.</summary>
    /// <param name="eventType">Its name.</param>
    internal void Sent(string eventType) => _events.Add(1, new KeyValuePair<string, object?>("usage_logs_site.event", eventType));

    /// <summary>An event that tells of a change was written.</summary>
    /// <param name="latency">How long after the change it was; clocks of two instances may differ, so it can be negative.</param>
    internal void ToldAfter(TimeSpan latency) => _latency.Record(Math.Max(0, latency.TotalSeconds));

    internal void ChangeSeen() => _changes.Add(1);

    internal void ChangeDebounced() => _debounced.Add(1);

    internal void ListenerLost() => _reconnects.Add(1);

    /// <summary>A filter set was read.</summary>
    /// <param name="question">What it asks.</param>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="changed">Whether its content was another; null if it could not be read.</param>
    internal void Refreshed(Question question, TimeSpan elapsed, bool? changed) => _refreshes.Record(
        elapsed.TotalSeconds, KindOf(question), new("usage_logs_site.refresh.result", changed switch { true => "changed", false => "same", null => "failed" }));

    private static KeyValuePair<string, object?> KindOf(Question question) => new(
        "usage_logs_site.stream.kind",
        question switch
        {
            EmbedQuestion => "widget",
            UserQuestion => "user",
            _ => "list",
        });

    private static string NameOf(StreamEnd why) => why switch
    {
        StreamEnd.Left => "left",
        StreamEnd.Age => "age",
        StreamEnd.Stop => "stop",
        StreamEnd.Revoked => "revoked",
        StreamEnd.Slow => "slow",
        StreamEnd.Deadline => "deadline",
        _ => "failed",
    };
}
