using System.Diagnostics;
using System.Text;

namespace UsageLogsSite.Live;

/// <summary>A server-sent event (WHATWG HTML, section 9.2) as the bytes to write: made once, however many readers it goes to.</summary>
internal sealed class LiveEvent
{
    internal const string UsageChanged = "usage-changed";
    internal const string Heartbeat = "heartbeat";

    /// <summary>The last event: whoever was signed in is not any more. The client stops.</summary>
    internal static readonly LiveEvent SessionEnded = new("session-ended", "signed-out");

    /// <summary>No event means no change.</summary>
    internal static readonly LiveEvent Alive = new(Heartbeat, "alive");

    /// <summary>There is a new version, which this reader is told of later: they want few updates.</summary>
    internal static readonly LiveEvent Held = new(Heartbeat, "held");

    /// <summary>The database cannot be heard: no event means nothing.</summary>
    internal static readonly LiveEvent Blind = new(Heartbeat, "blind");

    /// <summary>An alert fired: who may see it asks which.</summary>
    internal static readonly LiveEvent Alert = new("usage-alert", "fired");

    /// <summary>1 while nobody has traced a writing of it.</summary>
    private int _isUntraced;

    private LiveEvent(string type, string data, string? id = null, TimeSpan? retry = null)
    {
        Type = type;
        Id = id;
        var text = new StringBuilder().Append("event: ").Append(type).Append("\ndata: ").Append(data).Append('\n');
        if (id is not null)
            text.Append("id: ").Append(id).Append('\n');
        if (retry is { } after)
            text.Append("retry: ").Append((long)after.TotalMilliseconds).Append('\n');
        Bytes = Encoding.ASCII.GetBytes(text.Append('\n').ToString());
    }

    private LiveEvent(LiveEvent same, DateTimeOffset? since, ActivityContext refresh) =>
        (Type, Id, Bytes, Since, Refresh, _isUntraced) = (same.Type, same.Id, same.Bytes, since, refresh, refresh == default ? 0 : 1);

    /// <summary>The event's name.</summary>
    internal string Type { get; }

    /// <summary>What the reader shows after it: the version it names. Null if it names none.</summary>
    internal string? Id { get; }

    /// <summary>What goes over the wire.</summary>
    internal ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>When the oldest change that it tells of can have been committed; null if unknown, or if it only repeats what is known.</summary>
    internal DateTimeOffset? Since { get; }

    /// <summary>The span of the refresh that it tells of; default if nobody traces.</summary>
    internal ActivityContext Refresh { get; }

    /// <summary>The same event, about changes that have just been read.</summary>
    internal LiveEvent About(DateTimeOffset? since, ActivityContext refresh) => new(this, since, refresh);

    /// <summary>Whether to trace this writing of it: only the first, as there may be one for each of ten thousand readers.</summary>
    internal bool TakeTrace() => Volatile.Read(ref _isUntraced) == 1 && Interlocked.Exchange(ref _isUntraced, 0) == 1;

    /// <summary>There is a new version.</summary>
    internal static LiveEvent Changed(string version) => new(UsageChanged, version, version);

    /// <summary>A stream's first event: versions are compared after it. Readers come back at different moments after a restart.</summary>
    /// <param name="version">The version that the reader says it shows; anything that cannot be one is not repeated.</param>
    internal static LiveEvent Opened(string? version) => new(
        Heartbeat, "opened", IsVersion(version) ? version : null, TimeSpan.FromMilliseconds(Random.Shared.Next(1_000, 3_000)));

    // The client's own word comes back to it as an event id: line breaks in it would forge events.
    private static bool IsVersion(string? text) =>
        text is { Length: > 0 and <= 64 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
