using System.Diagnostics;
using UsageLogsSite.Rollup;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Live;

/// <summary>Where the changes come from that a filter set's next refresh is for; the caller's lock guards it.</summary>
internal sealed class PendingChanges
{
    /// <summary>A burst has more folds than anybody follows.</summary>
    private const int MostTraces = 8;

    private readonly List<ActivityContext> _traces = [];
    private DateTimeOffset? _since;

    /// <summary>Adds where a change comes from.</summary>
    internal void Add(ChangeOrigin origin)
    {
        if (_since is null || origin.Since < _since)
            _since = origin.Since ?? _since;
        if (origin.Trace != default && _traces.Count < MostTraces)
            _traces.Add(origin.Trace);
    }

    /// <summary>Takes all there are.</summary>
    /// <returns>When the oldest can have been committed, null if unknown; and the spans of their hints, oldest first.</returns>
    internal (DateTimeOffset? Since, IReadOnlyList<ActivityContext> Traces) Take()
    {
        var taken = (_since, (IReadOnlyList<ActivityContext>)(_traces.Count == 0 ? [] : [.. _traces]));
        _since = null;
        _traces.Clear();
        return taken;
    }

    /// <summary>Begins the span of a refresh, which follows the first change that it is for; the others are linked. Without any, a page that asks is what it belongs to.</summary>
    internal static Activity? StartSpan(IReadOnlyList<ActivityContext> hints) => hints.Count == 0
        ? Traces.Source.StartActivity("refresh")
        : Traces.Source.StartActivity("refresh", ActivityKind.Internal, hints[0], links: hints.Skip(1).Select(hint => new ActivityLink(hint)));
}
