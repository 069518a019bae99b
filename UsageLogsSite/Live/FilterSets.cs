using Microsoft.Extensions.Options;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Live;

/// <summary>All filters that somebody looks at: opened by the first reader, gone with the last.</summary>
internal sealed partial class FilterSets(
    UsageTable table, IOptions<LiveOptions> options, TimeProvider time, LiveMetrics metrics, ILogger<FilterSets> logger) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _readers = new(options.Value.MaxConcurrentReads);
    private readonly Dictionary<UsageFilter, FilterSet> _sets = [];
    private ITimer? _pulse;
    private volatile bool _isFollowing;

    /// <summary>Number of filters that somebody looks at.</summary>
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
    /// <param name="filter">What the reader looks at.</param>
    /// <param name="version">The version that the reader shows; null if unknown.</param>
    /// <returns>The stream; disposing it removes the reader.</returns>
    internal LiveStream Subscribe(UsageFilter filter, string? version)
    {
        LiveStream stream;
        lock (_gate)
        {
            if (!_sets.TryGetValue(filter, out var set))
            {
                set = new FilterSet(filter, table, _readers, options, time, metrics, logger, Leave);
                _sets.Add(filter, set);
                metrics.FilterSetOpened();
            }

            stream = set.Open(version);
            _pulse ??= time.CreateTimer(_ => Pulse(), null, options.Value.Pulse, options.Value.Pulse);
        }

        metrics.StreamOpened();
        if (logger.IsEnabled(LogLevel.Debug))
            LogSubscribed(logger, filter.QueryString);
        return stream;
    }

    /// <summary>What a filter shows now: from its filter set where that is followed, else from the database.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal ValueTask<UsageView> ReadAsync(UsageFilter filter, CancellationToken cancellation)
    {
        var set = _isFollowing ? SetOf(filter) : null;
        return set?.ReadAsync(cancellation) ?? new ValueTask<UsageView>(table.ReadAsync(filter, cancellation));
    }

    /// <summary>What a filter showed a moment ago, by its entity tag; null if nobody remembers.</summary>
    internal UsageView? Find(UsageFilter filter, string etag) => SetOf(filter)?.Find(etag);

    /// <summary>Wakes the sets that a change can touch.</summary>
    internal void Publish(UsageChange change)
    {
        lock (_gate)
        {
            foreach (var set in _sets.Values)
            {
                if (change.Affects(set.Filter))
                    set.Invalidate();
            }
        }
    }

    /// <summary>Changes are being heard again: whatever was missed is found by comparing everything.</summary>
    internal void Follow()
    {
        _isFollowing = true;
        Publish(UsageChange.Anything);
    }

    /// <summary>Changes are no longer heard: what sets remember may be old.</summary>
    internal void Lose() => _isFollowing = false;

    /// <inheritdoc />
    public void Dispose()
    {
        _pulse?.Dispose();
        _readers.Dispose();
    }

    /// <summary>One timer for all streams: each of its own would cost more than everything else that a quiet stream does.</summary>
    private void Pulse()
    {
        lock (_gate)
        {
            foreach (var set in _sets.Values)
                set.Pulse(_isFollowing);
        }
    }

    private FilterSet? SetOf(UsageFilter filter)
    {
        lock (_gate)
            return _sets.GetValueOrDefault(filter);
    }

    private void Leave(FilterSet set, LiveStream stream)
    {
        lock (_gate)
        {
            if (set.Remove(stream) == 0)
            {
                _sets.Remove(set.Filter);
                set.Dispose();
                metrics.FilterSetClosed();
            }
        }

        metrics.StreamClosed();
        if (logger.IsEnabled(LogLevel.Debug))
            LogLeft(logger, set.Filter.QueryString);
    }

    [LoggerMessage(1003, LogLevel.Debug, "Live: a reader came to '{Filter}'")]
    private static partial void LogSubscribed(ILogger logger, string filter);

    [LoggerMessage(1004, LogLevel.Debug, "Live: a reader left '{Filter}'")]
    private static partial void LogLeft(ILogger logger, string filter);
}
