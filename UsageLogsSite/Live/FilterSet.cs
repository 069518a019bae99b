using System.Diagnostics;
using Microsoft.Extensions.Options;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Live;

/// <summary>
/// Everybody who asks one question: one reading for each debounced change, however many watch, and an event only when
/// what they see has changed.
/// </summary>
internal sealed partial class FilterSet : IDisposable
{
    /// <summary>Views remembered beside the current one, for readers who are a little behind.</summary>
    private const int Earlier = 3;

    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(1);

    /// <summary>Timers cannot wait for months; an early look is harmless.</summary>
    private static readonly TimeSpan LongestExpiry = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly HashSet<LiveStream> _streams = [];
    private readonly CancellationTokenSource _closed = new();
    private readonly QuestionReader _reader;
    private readonly SemaphoreSlim _readers;
    private readonly TimeProvider _time;
    private readonly LiveMetrics _metrics;
    private readonly ILogger _logger;
    private readonly LiveOptions _options;
    private readonly Action<LiveStream> _leave;
    private readonly Debouncer _debouncer;
    private readonly PendingChanges _pending = new();
    private readonly ITimer _expiry;
    private Task<LiveView>? _reading;
    private volatile Snapshot? _current;
    private volatile LiveView[] _earlier = [];

    internal FilterSet(
        Question question, QuestionReader reader, SemaphoreSlim readers, IOptions<LiveOptions> options, TimeProvider time, LiveMetrics metrics,
        ILogger logger, Action<FilterSet, LiveStream> leave)
    {
        Question = question;
        _reader = reader;
        _readers = readers;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _options = options.Value;
        _leave = stream => leave(this, stream);
        _debouncer = new Debouncer(time, _options.Settle, _options.Debounce);
        _expiry = time.CreateTimer(_ => _debouncer.Signal(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Completion = RunAsync(_closed.Token);
    }

    /// <summary>What its readers look at.</summary>
    internal Question Question { get; }

    /// <summary>Ends when the set has been closed; never fails.</summary>
    internal Task Completion { get; }

    /// <summary>Adds a reader; one that shows another version than the current is told at once.</summary>
    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <param name="debounce">The least time between two updates of this reader, above what holds for all.</param>
    internal LiveStream Open(string? version, TimeSpan debounce)
    {
        var stream = new LiveStream(version, _options, _time, _metrics, _leave, debounce);
        lock (_gate)
        {
            _streams.Add(stream);

            // While a change is pending, the coming refresh tells everybody.
            if (_current is { } current && !_debouncer.IsPending)
                stream.Offer(current.Event);
        }

        return stream;
    }

    /// <summary>Removes a reader.</summary>
    /// <returns>How many remain.</returns>
    internal int Remove(LiveStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
            return _streams.Count;
        }
    }

    /// <summary>Lets every stream do what is due.</summary>
    /// <param name="isFollowing">Whether changes are being heard.</param>
    internal void Pulse(bool isFollowing)
    {
        lock (_gate)
        {
            foreach (var stream in _streams)
                stream.Pulse(isFollowing);
        }
    }

    /// <summary>Tells all readers of an alert.</summary>
    internal void TellAlert()
    {
        lock (_gate)
        {
            foreach (var stream in _streams)
                stream.TellAlert();
        }
    }

    /// <summary>Reports that the content may have changed.</summary>
    /// <param name="origin">Where the change comes from.</param>
    internal void Invalidate(ChangeOrigin origin)
    {
        // Before the signal: whoever acknowledges that takes this too.
        lock (_gate)
            _pending.Add(origin);
        if (!_debouncer.Signal())
            _metrics.ChangeDebounced();
    }

    /// <summary>The current content: from memory while nothing is pending or it is younger than the debounce, else read once for all who ask.</summary>
    internal ValueTask<LiveView> ReadAsync(CancellationToken cancellation)
    {
        if (_current is { } current && (!_debouncer.IsPending || _time.GetElapsedTime(current.ReadAt) < _options.Debounce))
            return new ValueTask<LiveView>(current.View);

        return new ValueTask<LiveView>(RefreshAsync().WaitAsync(cancellation));
    }

    /// <summary>A view of a moment ago, by its entity tag; null if it is forgotten or never was.</summary>
    internal LiveView? Find(string etag) => Array.Find(_earlier, view => view.ETag == etag);

    /// <inheritdoc />
    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
        _expiry.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        // Off the caller's path: it holds the lock over all sets. What is traced here is no part of the request that came first.
        await Task.Yield();
        Activity.Current = null;
        try
        {
            while (true)
            {
                await RefreshOrRetryAsync(cancellation);
                await _debouncer.WaitAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The last reader left.
        }
    }

    private async Task RefreshOrRetryAsync(CancellationToken cancellation)
    {
        try
        {
            await RefreshAsync().WaitAsync(cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever went wrong, readers must not be left behind for good.
            if (DatabaseFailure.Is(e))
                LogDatabaseFailed(_logger, Question.Name, e.GetBaseException().Message);
            else
                LogRefreshFailed(_logger, Question.Name, e);
            await Task.Delay(RetryAfterFailure, _time, cancellation);
        }
    }

    /// <summary>
    /// One reading at a time, shared by all who ask. Changes are acknowledged before their reading begins: one that comes
    /// during it stays pending, and is read after it.
    /// </summary>
    private Task<LiveView> RefreshAsync()
    {
        lock (_gate)
        {
            if (_reading is null or { IsCompleted: true })
            {
                _reading = Task.Run(ReadAndTellAsync);
            }

            return _reading;
        }
    }

    // Not ended with the set: a page may wait for it too. The database's command time-out bounds it.
    private async Task<LiveView> ReadAndTellAsync()
    {
        await _readers.WaitAsync();
        _debouncer.Acknowledge();
        DateTimeOffset? since;
        IReadOnlyList<ActivityContext> hints;
        lock (_gate)
            (since, hints) = _pending.Take();
        using var span = StartSpan(hints);
        var start = _time.GetTimestamp();
        LiveView view;
        try
        {
            view = await _reader.ReadAsync(Question, CancellationToken.None);
        }
        catch (Exception e)
        {
            // The change that this reading was for is still to be read, whoever asked for the reading.
            Invalidate(new ChangeOrigin(since, hints.Count == 0 ? default : hints[0]));
            _metrics.Refreshed(Question, _time.GetElapsedTime(start), changed: null);
            span.Fail(e);
            throw;
        }
        finally
        {
            _readers.Release();
        }

        Tell(view, start, since, span);
        return view;
    }

    /// <summary>Follows the first change that this is for; the others are linked. Without any, a page that asks is what it belongs to.</summary>
    private static Activity? StartSpan(IReadOnlyList<ActivityContext> hints) => hints.Count == 0
        ? Traces.Source.StartActivity("refresh")
        : Traces.Source.StartActivity("refresh", ActivityKind.Internal, hints[0], links: hints.Skip(1).Select(hint => new ActivityLink(hint)));

    /// <summary>Keeps what was read, and tells all readers who show something else.</summary>
    private void Tell(LiveView view, long start, DateTimeOffset? since, Activity? span)
    {
        var elapsed = _time.GetElapsedTime(start);
        bool changed;
        int readers;
        lock (_gate)
        {
            changed = view.Version != _current?.View.Version;
            if (changed && _current is { } last)
                _earlier = [last.View, .. _earlier.Take(Earlier - 1)];

            // Equal content stays the same object: what others have made of it, such as its markup, stays with it.
            _current = changed ? new Snapshot(view, LiveEvent.Changed(view.Version), start) : _current! with { ReadAt = start };
            readers = _streams.Count;
            var told = changed ? _current.Event.About(since, span?.Context ?? default) : _current.Event;
            foreach (var stream in _streams)
                stream.Offer(told);
        }

        ScheduleExpiry(view.NextExpiry);
        _metrics.Refreshed(Question, elapsed, changed);
        span?.SetTag("usage_logs_site.refresh.changed", changed).SetTag("usage_logs_site.refresh.readers", readers);
        LogRefreshed(_logger, Question.Name, elapsed.TotalMilliseconds, view.RowCount, changed, readers);
    }

    // A window keeps a user at the very instant of its end: look a little later.
    private void ScheduleExpiry(DateTime? expiry)
    {
        if (expiry is not { } at)
            return;
        var due = at - _time.GetUtcNow().UtcDateTime + TimeSpan.FromMilliseconds(1);
        _expiry.Change(due < TimeSpan.Zero ? TimeSpan.Zero : due < LongestExpiry ? due : LongestExpiry, Timeout.InfiniteTimeSpan);
    }

    [LoggerMessage(1001, LogLevel.Debug, "Live: refreshed '{Question}' in {ElapsedMs:0.0} ms: {Rows} rows, changed: {Changed}, {Readers} readers")]
    private static partial void LogRefreshed(ILogger logger, string question, double elapsedMs, int rows, bool changed, int readers);

    [LoggerMessage(1002, LogLevel.Warning, "Live: the database could not refresh '{Question}', trying again: {Reason}")]
    private static partial void LogDatabaseFailed(ILogger logger, string question, string reason);

    [LoggerMessage(1008, LogLevel.Error, "Live: could not refresh '{Question}', trying again")]
    private static partial void LogRefreshFailed(ILogger logger, string question, Exception exception);

    /// <param name="View">What the database answered.</param>
    /// <param name="Event">What tells readers of it.</param>
    /// <param name="ReadAt">When the question was asked, as a timestamp of the time provider.</param>
    private sealed record Snapshot(LiveView View, LiveEvent Event, long ReadAt);
}
