namespace UsageLogsSite.Live;

/// <summary>
/// Turns any number of changes into few events: an event is due when <c>max(first pending change + settle, last event + debounce)</c>
/// is reached. A lone change shows at once, a burst is one event, and a steady stream never starves, because later changes do not move
/// the due time.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="settle">How long the first change waits for others.</param>
/// <param name="debounce">The least time between two events.</param>
internal sealed class Debouncer(TimeProvider time, TimeSpan settle, TimeSpan debounce)
{
    private readonly Lock _gate = new();
    private long? _firstPending;
    private long? _lastEvent;

    /// <summary>Completed exactly while a change is pending.</summary>
    private TaskCompletionSource _signalled = NewSignal();

    /// <summary>Whether a change waits for its event.</summary>
    public bool IsPending
    {
        get
        {
            lock (_gate)
                return _firstPending is not null;
        }
    }

    /// <summary>Whether the last event is as long ago as two must be apart.</summary>
    public bool IsSpaced
    {
        get
        {
            lock (_gate)
                return _lastEvent is not { } last || time.GetElapsedTime(last) >= debounce;
        }
    }

    /// <summary>Reports a change; safe from any thread.</summary>
    /// <returns>Whether it is the first that waits; later ones wait with it.</returns>
    public bool Signal()
    {
        lock (_gate)
        {
            if (_firstPending is not null)
                return false;
            _firstPending = time.GetTimestamp();
            _signalled.SetResult();
            return true;
        }
    }

    /// <summary>Says that everything reported so far is being dealt with: the pending event is no longer due.</summary>
    public void Acknowledge()
    {
        lock (_gate)
        {
            if (_firstPending is not null)
                _signalled = NewSignal();
            _firstPending = null;
            _lastEvent = time.GetTimestamp();
        }
    }

    /// <summary>Waits until an event is due. It stays due until somebody acknowledges it, just before dealing with it.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task signalled;
            lock (_gate)
                signalled = _signalled.Task;
            await signalled.WaitAsync(cancellation);

            // Null: somebody else acknowledged while this waited.
            while (Remaining() is { } remaining)
            {
                if (remaining <= TimeSpan.Zero)
                    return;
                await Task.Delay(remaining, time, cancellation);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TimeSpan? Remaining()
    {
        lock (_gate)
        {
            if (_firstPending is not { } first)
                return null;
            var settled = settle - time.GetElapsedTime(first);
            var spaced = _lastEvent is { } last ? debounce - time.GetElapsedTime(last) : TimeSpan.Zero;
            return settled > spaced ? settled : spaced;
        }
    }
}
