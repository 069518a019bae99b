using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>The widgets that streams are open for. When one may be over it is looked up; while nothing happens, nothing is asked.</summary>
internal sealed partial class HeldEmbeds(Embeds embeds, TimeProvider time, ILogger<HeldEmbeds> logger) : BackgroundService
{
    /// <summary>How late the end of a widget that expires may be noticed.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, HashSet<Held>> _held = [];
    private readonly SemaphoreSlim _wake = new(0);
    private HashSet<Guid> _due = [];

    /// <summary>
    /// Ties an open stream to its widget: <paramref name="end"/> is called once, soon after that was revoked or has expired. Disposing
    /// forgets it.
    /// </summary>
    internal IDisposable Hold(Embed embed, Action end)
    {
        var held = new Held(this, embed, end);
        lock (_gate)
        {
            if (!_held.TryGetValue(embed.Id, out var ofEmbed))
                _held.Add(embed.Id, ofEmbed = []);
            ofEmbed.Add(held);
        }

        Check(embed.Id); // something may have been heard before it was held
        return held;
    }

    /// <summary>A widget may be over.</summary>
    /// <param name="payload">Its id, as <c>usage_access_changed</c> tells it; that of anything else is passed over.</param>
    internal void Hear(string payload)
    {
        if (Guid.TryParse(payload, out var id))
            Check(id);
        else
            Recheck();
    }

    /// <summary>Notifications were missed: looks at all again.</summary>
    internal void Recheck()
    {
        lock (_gate)
        {
            _due.UnionWith(_held.Keys);
            Wake();
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _wake.WaitAsync(Look, stoppingToken);
            if (TakeDue() is { Count: > 0 } due)
                await CheckAsync(due, stoppingToken);
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private void Check(Guid id)
    {
        lock (_gate)
        {
            if (!_held.ContainsKey(id))
                return;
            _due.Add(id);
            Wake();
        }
    }

    private void Wake()
    {
        if (_due.Count > 0 && _wake.CurrentCount == 0)
            _wake.Release();
    }

    private HashSet<Guid> TakeDue()
    {
        lock (_gate)
        {
            var due = _due;
            _due = [];
            due.UnionWith(Where(held => held.IsOver(time)).Select(held => held.Id));
            return due;
        }
    }

    private async Task CheckAsync(HashSet<Guid> due, CancellationToken cancellation)
    {
        HashSet<Guid> open = [];
        try
        {
            open = await embeds.FindAsync(due, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // Nobody can say that these are still good: what is known to be over ends, the others are looked at again.
            LogFailed(logger, e.Message, DatabaseFailure.Is(e) ? null : e);
            lock (_gate)
            {
                open = [.. Where(held => !held.IsOver(time)).Select(held => held.Id)];
                _due.UnionWith(due.Intersect(open));
            }
        }

        List<Held> over;
        lock (_gate)
            over = [.. Where(held => due.Contains(held.Id) && !open.Contains(held.Id))];
        over.ForEach(held => held.End());
    }

    private IEnumerable<Held> Where(Func<Held, bool> applies) => _held.Values.SelectMany(held => held).Where(applies);

    private void Remove(Held held)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(held.Id, out var ofEmbed) && ofEmbed.Remove(held) && ofEmbed.Count == 0)
                _held.Remove(held.Id);
        }
    }

    [LoggerMessage(4002, LogLevel.Warning, "Access: open widgets cannot be looked up, trying again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception? exception);

    private sealed class Held(HeldEmbeds owner, Embed embed, Action end) : IDisposable
    {
        private int _isDone;

        internal Guid Id => embed.Id;

        internal bool IsOver(TimeProvider time) => embed.ExpiresAt <= time.GetUtcNow().UtcDateTime;

        internal void End()
        {
            if (Interlocked.Exchange(ref _isDone, 1) == 1)
                return;
            owner.Remove(this);
            end();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDone, 1) == 0)
                owner.Remove(this);
        }
    }
}
