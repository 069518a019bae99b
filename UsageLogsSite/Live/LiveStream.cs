using System.Diagnostics;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Live;

/// <summary>
/// One browser's stream of server-sent events. It holds one version at most: a reader that is slow gets the latest version, never a
/// backlog. It has no timer and no task of its own: events write themselves on the thread pool, and the pulse of all streams, which
/// <see cref="FilterSets"/> keeps, looks after time. That is what ten thousand of them cost least.
/// </summary>
internal sealed class LiveStream : IThreadPoolWorkItem, IDisposable
{
    /// <summary>A reader that does not take its last event is let go sooner than others: its right to read is over.</summary>
    private static readonly TimeSpan LastWriteDeadline = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LiveOptions _options;
    private readonly TimeProvider _time;
    private readonly LiveMetrics _metrics;
    private readonly Action<LiveStream> _leave;
    private readonly string? _openedWith;
    private readonly long _opened;
    private readonly TimeSpan _lifetime;
    private readonly TimeSpan _debounce;
    private HttpContext? _http;
    private string? _version;
    private LiveEvent? _next;
    private LiveEvent? _held; // a change that comes too soon for this reader; the pulse lets it go
    private long _lastHeartbeat;
    private long _writingSince;
    private long? _lastChange;
    private bool _isWriting = true; // the first event, which opens the stream
    private DateTimeOffset? _since; // of the oldest change that the reader waits to be told of
    private DateTimeOffset? _toldSince; // of the change that is being written
    private StreamEnd? _why;
    private bool _hasAlert; // to be told beside versions: neither takes the other's place
    private bool _isEnding;
    private bool _isDisposed;

    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <param name="options">How often a quiet stream says that it is alive, how many events it may carry, and how long it lives.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Counts events.</param>
    /// <param name="leave">Called once, when the reader is gone.</param>
    /// <param name="debounce">The least time between two changes for a reader who wants few; zero for all others.</param>
    internal LiveStream(
        string? version, LiveOptions options, TimeProvider time, LiveMetrics metrics, Action<LiveStream> leave, TimeSpan debounce = default)
    {
        _openedWith = version;
        _version = version;
        _options = options;
        _time = time;
        _metrics = metrics;
        _leave = leave;
        _debounce = debounce;
        _opened = _lastHeartbeat = time.GetTimestamp();
        _lifetime = options.MaxStreamLifetime * (0.8 + 0.4 * Random.Shared.NextDouble());
    }

    /// <summary>Why it ended; meaningful once it has.</summary>
    internal StreamEnd Why => _why ?? StreamEnd.Left;

    /// <summary>Tells the reader of a version, unless it knows it. The latest wins.</summary>
    internal void Offer(LiveEvent change)
    {
        lock (_gate)
        {
            if (change.Id == _version)
                return;
            _version = change.Id;
            _since ??= change.Since;
            if (IsTooSoon())
                _held = change;
            else
                Release(change);
        }
    }

    /// <summary>Tells the reader that an alert fired; several at once are told once.</summary>
    internal void TellAlert()
    {
        lock (_gate)
        {
            if (_isEnding)
                return;
            _hasAlert = true;
            Start();
        }
    }

    /// <summary>Writes events to a response until the reader leaves, the site stops or the stream is old. The first comes at once, as it carries the headers.</summary>
    /// <param name="http">The reader's request.</param>
    /// <param name="stopping">The site stops: open streams would hold it back.</param>
    internal async Task CarryAsync(HttpContext http, CancellationToken stopping)
    {
        _http = http;
        using var gone = http.RequestAborted.UnsafeRegister(static stream => ((LiveStream)stream!).End(StreamEnd.Left), this);
        using var stopped = stopping.UnsafeRegister(static stream => ((LiveStream)stream!).End(StreamEnd.Stop), this);
        await WriteAsync(LiveEvent.Opened(_openedWith));
        await _over.Task;
    }

    /// <summary>Does what is due: a heartbeat, the end of an old stream, or that of a reader that does not take an event in time.</summary>
    /// <param name="isFollowing">Whether changes are being heard.</param>
    internal void Pulse(bool isFollowing)
    {
        lock (_gate)
        {
            // It must cost nobody anything. A write that is under way keeps the request from ending, so it is this one that is closed.
            if (_writingSince != 0 && _time.GetElapsedTime(_writingSince) >= (_isEnding ? LastWriteDeadline : _options.WriteDeadline))
                Drop();
            else if (_time.GetElapsedTime(_opened) >= _lifetime)
                End(StreamEnd.Age);
            else if (_held is { } change && !IsTooSoon())
                Release(change);
            else if (_time.GetElapsedTime(_lastHeartbeat) >= _options.Heartbeat)
                Beat(isFollowing);
        }
    }

    /// <summary>Tells the reader that they are not signed in any more, as the last thing, whatever waits to be told. Safe from any thread.</summary>
    internal void EndSession()
    {
        lock (_gate)
        {
            Put(LiveEvent.SessionEnded);
            _isEnding = true;
            _why ??= StreamEnd.Revoked;
        }
    }

    /// <inheritdoc />
    void IThreadPoolWorkItem.Execute() => _ = WriteAsync(null);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }

        End(StreamEnd.Left);
        _leave(this);
    }

    private void Beat(bool isFollowing)
    {
        _lastHeartbeat = _time.GetTimestamp();

        // It must never push out a version, nor wait behind one: a reader that hears of a change needs no other sign of life.
        if (!_isWriting)
            Put(!isFollowing ? LiveEvent.Blind : _held is null ? LiveEvent.Alive : LiveEvent.Held);
    }

    /// <summary>Whether a reader who wants few updates has had one just now. One that still waits to be written only gives way to the next.</summary>
    private bool IsTooSoon() => _debounce > TimeSpan.Zero
        && _next?.Type != LiveEvent.UsageChanged && _lastChange is { } last && _time.GetElapsedTime(last) < _debounce;

    private void Release(LiveEvent change)
    {
        _held = null;
        Put(change);
    }

    private void Put(LiveEvent item)
    {
        // The response may be over, and its connection another request's.
        if (_isEnding)
            return;
        _next = item;
        Start();
    }

    private void Start()
    {
        if (_isWriting)
            return;
        _isWriting = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Drop()
    {
        _why = _isEnding ? StreamEnd.Deadline : StreamEnd.Slow;
        _http!.Abort();
    }

    private void End(StreamEnd why)
    {
        lock (_gate)
        {
            _why ??= why;
            _isEnding = true;
            _next = null;
            if (!_isWriting)
                _over.TrySetResult();
        }
    }

    /// <summary>Writes one event, and all that have come by then. Never fails: what goes wrong ends the stream, and is the request's to report.</summary>
    private async Task WriteAsync(LiveEvent? first)
    {
        try
        {
            for (var item = first ?? await NextAsync(); item is not null; item = await NextAsync())
            {
                Volatile.Write(ref _writingSince, Math.Max(1, _time.GetTimestamp()));
                var written = await _http!.Response.BodyWriter.WriteAsync(item.Bytes);
                Volatile.Write(ref _writingSince, 0);
                _metrics.Sent(item.Type);
                if (item.Type == LiveEvent.UsageChanged)
                    Told(item);
                if (written.IsCompleted || written.IsCanceled)
                    End(StreamEnd.Left); // nobody reads any more
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref _writingSince, 0);

            // A reader who leaves in the middle of an event is a normal end of a stream.
            if (e is IOException or OperationCanceledException)
                _over.TrySetResult();
            else
                Fail(e);
        }
    }

    private void Fail(Exception e)
    {
        _why ??= StreamEnd.Failed;
        _over.TrySetException(e);
    }

    /// <summary>Measures how long the reader had to wait for a change; one who wants few updates waits by choice.</summary>
    private void Told(LiveEvent change)
    {
        if (_toldSince is { } oldest && _debounce == TimeSpan.Zero)
            _metrics.ToldAfter(_time.GetUtcNow() - oldest);
        if (change.TakeTrace())
            Traces.Source.StartActivity("usage-changed", ActivityKind.Producer, change.Refresh)?.Dispose();
    }

    /// <summary>What is to be written next, when its turn has come: meanwhile a newer one may take its place. Null if there is nothing.</summary>
    private async ValueTask<LiveEvent?> NextAsync()
    {
        if (TooEarly() is { Ticks: > 0 } wait)
            await Task.Delay(wait, _time);
        lock (_gate)
        {
            if (_hasAlert && !_isEnding)
            {
                _hasAlert = false;
                return LiveEvent.Alert;
            }

            if (_next is not { } item)
            {
                _isWriting = false;
                if (_isEnding)
                    _over.TrySetResult();
                return null;
            }

            _next = null;
            if (item.Type == LiveEvent.UsageChanged)
            {
                _lastChange = _time.GetTimestamp();
                (_toldSince, _since) = (_since, null);
            }

            return item;
        }
    }

    private TimeSpan TooEarly()
    {
        lock (_gate)
        {
            return _next?.Type == LiveEvent.UsageChanged && _lastChange is { } last
                ? TimeSpan.FromSeconds(1) / _options.MaxEventsPerSecond - _time.GetElapsedTime(last)
                : TimeSpan.Zero;
        }
    }
}
