using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// The grants that streams are open by. When one may be over it is looked up, many in one query; while nothing happens, nothing is asked.
/// </summary>
/// <typeparam name="TGrant">What gives the right to see something, for as long as it lasts: a session, a widget.</typeparam>
internal abstract partial class HeldStreams<TGrant>(TimeProvider time, ILogger logger) : BackgroundService
    where TGrant : class
{
    private const int MostInQuery = 1_000;

    /// <summary>How late the end of a grant that expires may be noticed.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, HashSet<Held>> _held = [];
    private readonly SemaphoreSlim _wake = new(0);
    private HashSet<Held> _due = [];

    /// <summary>No grant that is held expires before: so long nobody looks through all of them.</summary>
    private DateTimeOffset _nextExpiry = DateTimeOffset.MaxValue;

    /// <summary>How many are held.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _held.Values.Sum(held => held.Count);
        }
    }

    /// <summary>Says what has expired.</summary>
    protected TimeProvider Time { get; } = time;

    /// <summary>What changes of a grant are told by: the id of an account, or of a widget. It stays the same for as long as the grant is held.</summary>
    protected abstract Guid GroupOf(TGrant grant);

    /// <summary>When a grant ends by itself; null for never.</summary>
    protected abstract DateTimeOffset? EndOf(TGrant grant);

    /// <summary>What grants are now, in their order; null for each that is over or means something else.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    protected abstract Task<IReadOnlyList<TGrant?>> LookUpAsync(IReadOnlyList<TGrant> grants, CancellationToken cancellation);

    /// <summary>Has <paramref name="end"/> called once when the grant is over; disposing forgets it.</summary>
    internal IDisposable Add(TGrant grant, Action end)
    {
        var held = new Held(this, grant, end);
        lock (_gate)
        {
            if (!_held.TryGetValue(held.Group, out var ofGroup))
                _held.Add(held.Group, ofGroup = []);
            ofGroup.Add(held);
            _nextExpiry = Earlier(_nextExpiry, EndOf(grant));
        }

        return held;
    }

    /// <summary>Looks up the grants of a group soon; null for all.</summary>
    internal void Check(Guid? group)
    {
        lock (_gate)
        {
            if (group is not { } one)
                _due.UnionWith(_held.Values.SelectMany(held => held));
            else if (_held.TryGetValue(one, out var ofGroup))
                _due.UnionWith(ofGroup);
            if (_due.Count > 0 && _wake.CurrentCount == 0)
                _wake.Release();
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _wake.WaitAsync(Look, stoppingToken);
            foreach (var some in TakeDue().Chunk(MostInQuery))
                await CheckAsync(some, stoppingToken);
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private HashSet<Held> TakeDue()
    {
        lock (_gate)
        {
            var due = _due;
            _due = [];
            if (_nextExpiry <= Time.GetUtcNow())
                AddExpired(due);
            return due;
        }
    }

    private void AddExpired(HashSet<Held> due)
    {
        var now = Time.GetUtcNow();
        _nextExpiry = DateTimeOffset.MaxValue;
        foreach (var held in _held.Values.SelectMany(held => held))
        {
            if (EndOf(held.Grant) <= now)
                due.Add(held); // its lifetime may have begun anew
            else
                _nextExpiry = Earlier(_nextExpiry, EndOf(held.Grant));
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;

    private async Task CheckAsync(Held[] some, CancellationToken cancellation)
    {
        try
        {
            var found = await LookUpAsync([.. some.Select(held => held.Grant)], cancellation);
            foreach (var (held, current) in some.Zip(found))
                Settle(held, current);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(logger, e.Message, DatabaseFailure.Is(e) ? null : e);
            PutBack(some);
            await Task.Delay(Retry, Time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // The site stops, and its streams with it.
        }
    }

    private void Settle(Held held, TGrant? current)
    {
        if (current is null)
        {
            held.End();
            return;
        }

        lock (_gate)
        {
            held.Grant = current;
            _nextExpiry = Earlier(_nextExpiry, EndOf(current));
        }
    }

    // Nobody can say that these are still good: those whose time was over by what was known end.
    private void PutBack(Held[] some)
    {
        var now = Time.GetUtcNow();
        foreach (var held in some.Where(held => EndOf(held.Grant) <= now))
            held.End();
        lock (_gate)
            _due.UnionWith(some.Where(held => !held.IsOver));
    }

    private void Remove(Held held)
    {
        lock (_gate)
        {
            _due.Remove(held);
            if (_held.TryGetValue(held.Group, out var ofGroup) && ofGroup.Remove(held) && ofGroup.Count == 0)
                _held.Remove(held.Group);
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "Access: what open streams were granted by cannot be looked up, trying again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception? exception);

    private sealed class Held(HeldStreams<TGrant> owner, TGrant grant, Action end) : IDisposable
    {
        private int _isOver;

        internal Guid Group { get; } = owner.GroupOf(grant);

        internal TGrant Grant { get; set; } = grant;

        internal bool IsOver => Volatile.Read(ref _isOver) == 1;

        internal void End()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 1)
                return;
            owner.Remove(this);
            end();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
                owner.Remove(this);
        }
    }
}
