using System.Diagnostics.Metrics;

namespace UsageLogsSite.Queries;

/// <summary>Where what pages show was read: meter <c>UsageLogsSite.Queries</c>.</summary>
internal sealed class ReplicaMetrics
{
    internal const string MeterName = "UsageLogsSite.Queries";

    private static readonly Diversion[] Reasons = Enum.GetValues<Diversion>();

    private readonly Counter<long> _reads;

    // Observed and not added to: what happens while the site starts is counted too, and series are there before their first case.
    private readonly long[] _diverted = new long[Reasons.Length];
    private long _awaited;
    private int _usable;

    public ReplicaMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _reads = meter.CreateCounter<long>("usage_logs_site.queries.reads", "{read}", "Readings of what pages, streams and files show, by where.");
        meter.CreateObservableCounter(
            "usage_logs_site.queries.diverted_reads", () => Reasons.Select(reason => new Measurement<long>(Volatile.Read(ref _diverted[(int)reason]), Tag(reason))),
            "{read}", "Readings that the primary had to answer, although there are replicas, by why.");
        meter.CreateObservableCounter(
            "usage_logs_site.queries.replay.awaited", () => TimeSpan.FromTicks(Volatile.Read(ref _awaited)).TotalSeconds,
            "s", "Time that readings waited for a replica to have all that the primary had.");
        meter.CreateObservableUpDownCounter(
            "usage_logs_site.queries.usable_replicas", () => Volatile.Read(ref _usable),
            "{replica}", "Replicas that are asked now, each counted for owners and analysts, and for members.");
    }

    internal void ReadOnPrimary() => _reads.Add(1, new KeyValuePair<string, object?>("usage_logs_site.place", "primary"));

    internal void ReadOnReplica() => _reads.Add(1, new KeyValuePair<string, object?>("usage_logs_site.place", "replica"));

    internal void Diverted(Diversion reason) => Interlocked.Increment(ref _diverted[(int)reason]);

    internal void Awaited(TimeSpan elapsed) => Interlocked.Add(ref _awaited, elapsed.Ticks);

    internal void BecameUsable(bool isUsable) => Interlocked.Add(ref _usable, isUsable ? 1 : -1);

    private static KeyValuePair<string, object?> Tag(Diversion reason) => new(
        "usage_logs_site.reason",
        reason switch
        {
            Diversion.Lag => "lag",
            Diversion.Conflict => "conflict",
            Diversion.Failure => "failure",
            Diversion.Role => "role",
            Diversion.Feedback => "feedback",
            _ => "none-usable",
        });
}

/// <summary>Why the primary is asked although there are replicas.</summary>
internal enum Diversion
{
    /// <summary>No replica is usable at the time.</summary>
    NoneUsable,

    /// <summary>The replica did not have in time what the primary had.</summary>
    Lag,

    /// <summary>The replica ended the query, as it kept it from replaying.</summary>
    Conflict,

    /// <summary>The replica could not be reached, refused or did not answer.</summary>
    Failure,

    /// <summary>It is no standby of this primary (any more).</summary>
    Role,

    /// <summary>A file would take long, and the replica does not tell the primary what it still needs.</summary>
    Feedback,
}
