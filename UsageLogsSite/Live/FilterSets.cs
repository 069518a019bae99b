using Microsoft.Extensions.Options;
using UsageLogsSite.Access;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Live;

/// <summary>All questions whose answers somebody looks at: opened by the first reader, gone with the last.</summary>
internal sealed partial class FilterSets(
    QuestionReader reader, IOptions<LiveOptions> options, TimeProvider time, ListenerStatus listener, LiveMetrics metrics, ILogger<FilterSets> logger) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _turns = new(options.Value.MaxConcurrentReads);
    private readonly Dictionary<Question, FilterSet> _sets = [];
    private ITimer? _pulse;
    private Guid? _hintKey;

    /// <summary>Number of questions whose answers somebody looks at.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _sets.Count;
        }
    }

    /// <summary>
    /// Opens a stream. The reader is added first and versions are compared then, so that no change falls between the page
    /// and its stream.
    /// </summary>
    /// <param name="question">What the reader looks at.</param>
    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <param name="client">Whose stream it is.</param>
    /// <param name="debounce">The least time between two updates of this reader, above what holds for all.</param>
    /// <returns>The stream; disposing it removes the reader.</returns>
    internal LiveStream Subscribe(Question question, string? version, string client, TimeSpan debounce = default)
    {
        LiveStream stream;
        lock (_gate)
        {
            if (!_sets.TryGetValue(question, out var set))
            {
                set = new FilterSet(question, reader, _turns, options, time, metrics, logger, Leave);
                _sets.Add(question, set);
                metrics.FilterSetOpened();
            }

            stream = set.Open(version, client, debounce);
            _pulse ??= time.CreateTimer(_ => Pulse(), null, options.Value.Pulse, options.Value.Pulse);
        }

        metrics.StreamOpened(question);
        if (logger.IsEnabled(LogLevel.Debug))
            LogSubscribed(logger, question.Name);
        return stream;
    }

    /// <summary>A question's answer now, for a page that its stream will be compared with: from its filter set where that is followed, else from the database.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal ValueTask<LiveView> ReadAsync(Question question, CancellationToken cancellation)
    {
        var set = listener.IsFollowing ? SetOf(question) : null;
        return set?.ReadAsync(cancellation) ?? new ValueTask<LiveView>(reader.ReadAsync(question, cancellation));
    }

    /// <summary>A question's answer now, for a page that refreshes itself and was told to by any instance.</summary>
    /// <param name="question">What the reader looks at.</param>
    /// <param name="shown">The version that the page shows; empty if it does not say.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="cancellation">The reader left.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal ValueTask<LiveView> ReadAsync(Question question, string shown, string client, CancellationToken cancellation)
    {
        var set = listener.IsFollowing ? SetOf(question) : null;
        return set?.ReadAsync(shown, client, cancellation) ?? new ValueTask<LiveView>(reader.ReadAsync(question, cancellation));
    }

    /// <summary>A question's answer a moment ago, by its entity tag; null if nobody remembers.</summary>
    internal LiveView? Find(Question question, string etag) => SetOf(question)?.Find(etag);

    /// <summary>Wakes the sets that a change can touch.</summary>
    internal void Publish(UsageChange change)
    {
        lock (_gate)
        {
            foreach (var set in _sets.Values)
            {
                if (change.Affects(set.Question, _hintKey))
                    set.Invalidate(change.Origin);
            }
        }
    }

    /// <summary>Tells of an alert on the pages of who may see everything, and on nobody else's.</summary>
    internal void TellAlert()
    {
        lock (_gate)
        {
            foreach (var set in _sets.Values)
            {
                if (set.Question is not EmbedQuestion && set.Question.Scope == Scope.Everything)
                    set.TellAlert();
            }
        }
    }

    /// <summary>Changes are being heard again: whatever was missed is found by comparing everything.</summary>
    /// <param name="hintKey">What users' names in hints are made with.</param>
    internal void Follow(Guid hintKey)
    {
        lock (_gate)
            _hintKey = hintKey;
        listener.Set(isFollowing: true);
        Publish(UsageChange.Anything);
    }

    /// <summary>Changes are no longer heard: what sets remember may be old.</summary>
    internal void Lose() => listener.Set(isFollowing: false);

    /// <inheritdoc />
    public void Dispose()
    {
        _pulse?.Dispose();
        _turns.Dispose();
    }

    /// <summary>One timer for all streams: each of its own would cost more than everything else that a quiet stream does.</summary>
    private void Pulse()
    {
        lock (_gate)
        {
            foreach (var set in _sets.Values)
                set.Pulse(listener.IsFollowing);
        }
    }

    private FilterSet? SetOf(Question question)
    {
        lock (_gate)
            return _sets.GetValueOrDefault(question);
    }

    private void Leave(FilterSet set, LiveStream stream)
    {
        lock (_gate)
        {
            if (set.Remove(stream) == 0)
            {
                _sets.Remove(set.Question);
                set.Dispose();
                metrics.FilterSetClosed();
            }
        }

        metrics.StreamClosed(set.Question, stream.Why);
        if (logger.IsEnabled(LogLevel.Debug))
            LogLeft(logger, set.Question.Name);
    }

    [LoggerMessage(1003, LogLevel.Debug, "Live: a reader came to '{Question}'")]
    private static partial void LogSubscribed(ILogger logger, string question);

    [LoggerMessage(1004, LogLevel.Debug, "Live: a reader left '{Question}'")]
    private static partial void LogLeft(ILogger logger, string question);
}
