using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace UsageLogsSite.Live;

/// <summary>
/// One browser's stream of server-sent events (WHATWG HTML, section 9.2). It holds one event at most: a reader that is slow
/// gets the latest version, never a backlog.
/// </summary>
internal sealed class LiveStream : IDisposable
{
    internal const string UsageChanged = "usage-changed";
    internal const string Heartbeat = "heartbeat";

    /// <summary>Data of the first heartbeat: versions are compared after it.</summary>
    private const string Opened = "opened";

    /// <summary>Data of a heartbeat: no event means no change.</summary>
    private const string Alive = "alive";

    /// <summary>Data of a heartbeat while the database cannot be heard: no event means nothing.</summary>
    private const string Blind = "blind";

    private readonly Lock _gate = new();
    private readonly Channel<SseItem<string>> _next = Channel.CreateBounded<SseItem<string>>(
        new BoundedChannelOptions(1));

    private readonly ITimer _heartbeat;
    private readonly TimeProvider _time;
    private readonly TimeSpan _leastGap;
    private readonly LiveMetrics _metrics;
    private readonly Action<LiveStream> _leave;
    private readonly string? _openedWith;
    private string? _version;
    private bool _disposed;

    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <param name="options">How often a quiet stream says that it is alive, and how many events it may carry.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Counts events.</param>
    /// <param name="isFollowing">Whether changes are being heard.</param>
    /// <param name="leave">Called once, when the reader is gone.</param>
    internal LiveStream(string? version, LiveOptions options, TimeProvider time, LiveMetrics metrics, Func<bool> isFollowing, Action<LiveStream> leave)
    {
        _openedWith = version;
        _version = version;
        _time = time;
        _leastGap = TimeSpan.FromSeconds(1) / options.MaxEventsPerSecond;
        _metrics = metrics;
        _leave = leave;

        // A heartbeat must never push out a version: it is written only into an empty queue.
        _heartbeat = time.CreateTimer(
            _ => _next.Writer.TryWrite(new SseItem<string>(isFollowing() ? Alive : Blind, Heartbeat)), null, options.Heartbeat, options.Heartbeat);
    }

    /// <summary>Tells the reader of a version, unless it knows it. The latest wins.</summary>
    internal void Offer(string version)
    {
        lock (_gate)
        {
            if (version == _version)
                return;
            _version = version;
            var item = new SseItem<string>(version, UsageChanged) { EventId = version };

            // The queue holds an older event: make room. The reader may be faster, so look again rather than give up.
            while (!_disposed && !_next.Writer.TryWrite(item))
                _next.Reader.TryRead(out _);
        }
    }

    /// <summary>The events, until the reader leaves or the site stops. The first comes at once, as it carries the headers.</summary>
    internal async IAsyncEnumerable<SseItem<string>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        // Readers come back at different moments after a restart.
        yield return new SseItem<string>(Opened, Heartbeat)
        {
            EventId = IsEventId(_openedWith) ? _openedWith : null,
            ReconnectionInterval = TimeSpan.FromMilliseconds(Random.Shared.Next(1_000, 3_000)),
        };
        _metrics.Sent(Heartbeat);

        long? lastChange = null;
        while (await WaitToReadAsync(lastChange, cancellation))
        {
            if (!_next.Reader.TryRead(out var item))
                continue;
            if (item.EventType == UsageChanged)
                lastChange = _time.GetTimestamp();
            yield return item;
            _metrics.Sent(item.EventType);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _next.Writer.TryComplete();
        }

        _heartbeat.Dispose();
        _leave(this);
    }

    // The client's own word comes back to it as an event id: line breaks in it would forge events.
    private static bool IsEventId(string? text) =>
        text is { Length: > 0 and <= 64 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Waits for an event, and for its turn: meanwhile a newer one may take its place.</summary>
    private async ValueTask<bool> WaitToReadAsync(long? lastChange, CancellationToken cancellation)
    {
        try
        {
            if (!await _next.Reader.WaitToReadAsync(cancellation))
                return false;
            if (lastChange is { } last && _leastGap - _time.GetElapsedTime(last) is { Ticks: > 0 } wait)
                await Task.Delay(wait, _time, cancellation);
            return true;
        }
        catch (OperationCanceledException)
        {
            // The reader left or the site stops: both are a normal end of the stream.
            return false;
        }
    }
}
