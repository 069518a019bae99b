using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// The sessions that streams are open for. When one may be over it is looked up, many in one query; while nothing happens, nothing is asked.
/// </summary>
internal sealed partial class HeldSessions(SessionStore sessions, TimeProvider time, ILogger<HeldSessions> logger) : BackgroundService
{
    private const int MostInQuery = 1_000;

    /// <summary>How late the end of a session that expires may be noticed.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, HashSet<Held>> _held = [];
    private readonly SemaphoreSlim _wake = new(0);
    private HashSet<Held> _due = [];

    /// <summary>No session that is held expires before: so long nobody looks through all of them.</summary>
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

    /// <summary>Has <paramref name="end"/> called once when the session is over; disposing forgets it.</summary>
    internal IDisposable Add(Visitor visitor, Action end)
    {
        var held = new Held(this, visitor, end);
        lock (_gate)
        {
            if (!_held.TryGetValue(visitor.AccountId, out var ofAccount))
                _held.Add(visitor.AccountId, ofAccount = []);
            ofAccount.Add(held);
            _nextExpiry = Earlier(_nextExpiry, visitor.Expires);
        }

        return held;
    }

    /// <summary>Looks up the sessions of an account soon; null for all.</summary>
    internal void Check(Guid? account)
    {
        lock (_gate)
        {
            if (account is not { } one)
                _due.UnionWith(_held.Values.SelectMany(held => held));
            else if (_held.TryGetValue(one, out var ofAccount))
                _due.UnionWith(ofAccount);
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
            if (_nextExpiry <= time.GetUtcNow())
                AddExpired(due);
            return due;
        }
    }

    private void AddExpired(HashSet<Held> due)
    {
        var now = time.GetUtcNow();
        _nextExpiry = DateTimeOffset.MaxValue;
        foreach (var held in _held.Values.SelectMany(held => held))
        {
            if (held.Visitor.Expires <= now)
                due.Add(held); // a page may have begun its lifetime anew
            else
                _nextExpiry = Earlier(_nextExpiry, held.Visitor.Expires);
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private async Task CheckAsync(Held[] some, CancellationToken cancellation)
    {
        try
        {
            var ids = some.Select(held => held.Visitor.SessionId).Distinct().Select(Convert.FromBase64String).ToArray();
            var found = await sessions.FindAsync(ids, cancellation);
            foreach (var held in some)
                Settle(held, found.GetValueOrDefault(held.Visitor.SessionId));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(logger, e.Message, DatabaseFailure.Is(e) ? null : e);
            PutBack(some);
            await Task.Delay(Retry, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // The site stops, and its streams with it.
        }
    }

    private void Settle(Held held, Visitor? current)
    {
        if (current is null || current.Role != held.Visitor.Role || current.UserId != held.Visitor.UserId)
        {
            held.End();
            return;
        }

        lock (_gate)
        {
            held.Visitor = current;
            _nextExpiry = Earlier(_nextExpiry, current.Expires);
        }
    }

    // Nobody can say that these are still good: those whose time was over by what was known end.
    private void PutBack(Held[] some)
    {
        var now = time.GetUtcNow();
        foreach (var held in some.Where(held => held.Visitor.Expires <= now))
            held.End();
        lock (_gate)
            _due.UnionWith(some.Where(held => !held.IsOver));
    }

    private void Remove(Held held)
    {
        lock (_gate)
        {
            _due.Remove(held);
            if (_held.TryGetValue(held.Visitor.AccountId, out var ofAccount) && ofAccount.Remove(held) && ofAccount.Count == 0)
                _held.Remove(held.Visitor.AccountId);
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "Access: open sessions cannot be looked up, trying again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception? exception);

    private sealed class Held(HeldSessions owner, Visitor visitor, Action end) : IDisposable
    {
        private int _isOver;

        internal Visitor Visitor { get; set; } = visitor;

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
