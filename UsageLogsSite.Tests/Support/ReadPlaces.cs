using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Tests.Support;

/// <summary>What a site counts of where it reads.</summary>
internal sealed class ReadPlaces : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private readonly MeterListener _listener;

    internal ReadPlaces(Site site)
    {
        _listener = Meters.ListenTo(site, ReplicaMetrics.MeterName);
        _listener.SetMeasurementEventCallback<long>((instrument, count, tags, _) =>
            _counts.AddOrUpdate((string)tags[0].Value!, count, (_, old) => instrument.IsObservable ? count : old + count));
        _listener.Start();
    }

    internal long OnReplica => Of("replica");

    internal long OnPrimary => Of("primary");

    /// <summary>How many readings had this place, or this reason to be elsewhere.</summary>
    internal long Of(string tag)
    {
        _listener.RecordObservableInstruments();
        return _counts.GetValueOrDefault(tag);
    }

    public void Dispose() => _listener.Dispose();
}
