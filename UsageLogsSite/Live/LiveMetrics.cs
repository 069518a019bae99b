using System.Diagnostics.Metrics;

namespace UsageLogsSite.Live;

/// <summary>What the live engine does: meter <c>UsageLogsSite.Live</c>.</summary>
internal sealed class LiveMetrics
{
    internal const string MeterName = "UsageLogsSite.Live";

    private readonly UpDownCounter<int> _streams;
    private readonly UpDownCounter<int> _filterSets;
    private readonly Counter<long> _events;
    private readonly Counter<long> _changes;
    private readonly Counter<long> _reconnects;
    private readonly Histogram<double> _refreshes;

    public LiveMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _streams = meter.CreateUpDownCounter<int>("usage.live.streams", "{stream}", "Open streams.");
        _filterSets = meter.CreateUpDownCounter<int>("usage.live.filter_sets", "{set}", "Filter sets that somebody watches.");
        _events = meter.CreateCounter<long>("usage.live.events", "{event}", "Events sent to browsers.");
        _changes = meter.CreateCounter<long>("usage.live.changes", "{change}", "Change hints received from the database.");
        _reconnects = meter.CreateCounter<long>("usage.live.listener.reconnects", "{reconnect}", "Times the listener lost its connection.");
        _refreshes = meter.CreateHistogram<double>("usage.live.refresh.duration", "s", "Time taken to ask for a filter set's content.");
    }

    internal void StreamOpened() => _streams.Add(1);

    internal void StreamClosed() => _streams.Add(-1);

    internal void FilterSetOpened() => _filterSets.Add(1);

    internal void FilterSetClosed() => _filterSets.Add(-1);

    internal void Sent(string eventType) => _events.Add(1, new KeyValuePair<string, object?>("event", eventType));

    internal void ChangeSeen() => _changes.Add(1);

    internal void ListenerLost() => _reconnects.Add(1);

    internal void Refreshed(TimeSpan elapsed, bool changed) =>
        _refreshes.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("changed", changed));
}
