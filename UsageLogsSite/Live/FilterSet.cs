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
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(1);

    /// <summary>Timers cannot wait for months; an early look is harmless.</summary>
    private static readonly TimeSpan LongestExpiry = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly Readers _readers;
    private readonly ViewMemory _memory = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly QuestionReader _reader;
    private readonly SemaphoreSlim _turns;
    private readonly TimeProvider _time;
    private readonly LiveMetrics _metrics;
    private readonly ILogger _logger;
    private readonly LiveOptions _options;
    private readonly Action<LiveStream> _leave;
    private readonly Debouncer _debouncer;
    private readonly PendingChanges _pending = new();
    private readonly ITimer _expiry;
    private readonly SharedReadings _readings;
    private bool _isUntold; // the current content was read for who asked, too soon to be told to everybody

    internal FilterSet(
        Question question, QuestionReader reader, SemaphoreSlim turns, IOptions<LiveOptions> options, TimeProvider time, LiveMetrics metrics,
        ILogger logger, Action<FilterSet, LiveStream> leave)
    {
        Question = question;
        _reader = reader;
        _turns = turns;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _options = options.Value;
        _leave = stream => leave(this, stream);
        _readers = new Readers(time);
        _debouncer = new Debouncer(time, _options.Settle, _options.Debounce);
        _readings = new SharedReadings(isForAll => isForAll ? ReadAndTellAsync() : ReadUntoldAsync(), () => _debouncer.IsSpaced, _options.Settle, time);
        _expiry = time.CreateTimer(_ => _debouncer.Signal(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Completion = RunAsync(_closed.Token);
    }

    /// <summary>What its readers look at.</summary>
    internal Question Question { get; }

    /// <summary>Ends when the set has been closed; never fails.</summary>
    internal Task Completion { get; }

    /// <summary>Adds a reader; one that shows an older version than the current is told at once.</summary>
    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <param name="client">Whose stream it is.</param>
    /// <param name="debounce">The least time between two updates of this reader, above what holds for all.</param>
    internal LiveStream Open(string? version, string client, TimeSpan debounce)
    {
        var stream = new LiveStream(version, _options, _time, _metrics, _leave, debounce);
        lock (_gate)
        {
            _readers.Add(stream, client);
            if (_memory.Current is not { } current)
                return stream;

            // What this set never had may be newer than what it remembers: a reading decides. While a change is pending, its refresh tells everybody.
            if (version is not null && version != current.View.Version && !_memory.WasBefore(version))
                _debouncer.Signal();
            else if (!_debouncer.IsPending)
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
            _readers.Remove(stream);
            return _readers.Count;
        }
    }

    /// <summary>Lets every stream do what is due.</summary>
    /// <param name="isFollowing">Whether changes are being heard.</param>
    internal void Pulse(bool isFollowing)
    {
        lock (_gate)
        {
            foreach (var stream in _readers)
                stream.Pulse(isFollowing);
        }
    }

    /// <summary>Tells all readers of an alert.</summary>
    internal void TellAlert()
    {
        lock (_gate)
        {
            foreach (var stream in _readers)
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

    /// <summary>
    /// The current content for a page, whose stream will be compared with it: from memory while nothing is pending or it is younger than
    /// the debounce, else read once for all who ask.
    /// </summary>
    internal ValueTask<LiveView> ReadAsync(CancellationToken cancellation)
    {
        if (_memory.Current is { } current && (!_debouncer.IsPending || _time.GetElapsedTime(current.ReadAt) < _options.Debounce))
            return new ValueTask<LiveView>(current.View);

        return new ValueTask<LiveView>(_readings.JoinAsync().WaitAsync(cancellation));
    }

    /// <summary>
    /// The current content for a page that refreshes itself. From memory only for who is told here of whatever comes next, and shows what
    /// is known to be older: anybody else may have been told, by another instance, of what this one has not heard of.
    /// </summary>
    /// <param name="shown">The version that the page shows; empty if it does not say.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="cancellation">The reader left.</param>
    internal ValueTask<LiveView> ReadAsync(string shown, string client, CancellationToken cancellation)
    {
        lock (_gate)
        {
            var isOlder = shown.Length == 0 || _memory.WasBefore(shown);
            var isKnown = isOlder || shown == _memory.Current?.View.Version;
            var isTold = _readers.WillTell(client, isKnown, isSettled: !_debouncer.IsPending && !_readings.IsUnderWay);
            if (!isTold || !isOlder)
                return new ValueTask<LiveView>(_readings.NextAsync().WaitAsync(cancellation));
        }

        return ReadAsync(cancellation);
    }

    /// <summary>A view of a moment ago, by its entity tag; null if it is forgotten or never was.</summary>
    internal LiveView? Find(string etag) => _memory.Find(etag);

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
            await _readings.JoinAsync().WaitAsync(cancellation);
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

    /// <summary>Reads for who asked. What is new is told to all when an update is due, by a reading of then: the pace of updates stays what it is.</summary>
    private async Task<LiveView> ReadUntoldAsync()
    {
        await _turns.WaitAsync();
        var start = _time.GetTimestamp();
        var view = await AskAsync();
        bool changed;
        lock (_gate)
        {
            changed = _memory.Keep(view, start);
            _isUntold |= changed;
        }

        if (changed)
            _debouncer.Signal();
        ScheduleExpiry(view.NextExpiry);
        _metrics.Refreshed(Question, _time.GetElapsedTime(start), changed);
        return view;
    }

    /// <summary>Reads, and tells everybody. Changes are acknowledged before: one that comes during the reading stays pending, and is read after it.</summary>
    private async Task<LiveView> ReadAndTellAsync()
    {
        // Not ended with the set: a page may wait for it too. The database's command time-out bounds it.
        await _turns.WaitAsync();
        _debouncer.Acknowledge();
        DateTimeOffset? since;
        IReadOnlyList<ActivityContext> hints;
        lock (_gate)
            (since, hints) = _pending.Take();
        using var span = PendingChanges.StartSpan(hints);
        var start = _time.GetTimestamp();
        LiveView view;
        try
        {
            view = await AskAsync();
        }
        catch (Exception e)
        {
            // The change that this reading was for is still to be read, whoever asked for the reading.
            Invalidate(new ChangeOrigin(since, hints.Count == 0 ? default : hints[0]));
            _metrics.Refreshed(Question, _time.GetElapsedTime(start), changed: null);
            span.Fail(e);
            throw;
        }

        Tell(view, start, since, span);
        return view;
    }

    private async Task<LiveView> AskAsync()
    {
        try
        {
            return await _reader.ReadAsync(Question, CancellationToken.None);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Keeps what was read, and tells all readers who show something else.</summary>
    private void Tell(LiveView view, long start, DateTimeOffset? since, Activity? span)
    {
        var elapsed = _time.GetElapsedTime(start);
        bool changed;
        int readers;
        lock (_gate)
        {
            changed = _memory.Keep(view, start) || _isUntold;
            _isUntold = false;
            readers = _readers.Count;
            var current = _memory.Current!.Event;
            var told = changed ? current.About(since, span?.Context ?? default) : current;
            foreach (var stream in _readers)
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
}
