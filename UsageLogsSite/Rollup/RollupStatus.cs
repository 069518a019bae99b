namespace UsageLogsSite.Rollup;

/// <summary>
/// What this instance knows of the fold, from what it does anyway: nothing is asked of the database for it. Written by the one shift that
/// folds, read by anybody.
/// </summary>
internal sealed class RollupStatus(TimeProvider time)
{
    private readonly Lock _gate = new();
    private bool _isElected;
    private bool _isAsleep;
    private DateTimeOffset _behindSince;
    private DateTimeOffset _foldedUntil;
    private long _pending;
    private DateTimeOffset? _copyingFailsSince;
    private (long Pending, long Failed)? _noted;

    /// <summary>Whether this instance folds.</summary>
    public bool IsElected
    {
        get
        {
            lock (_gate)
                return _isElected;
        }
    }

    /// <summary>
    /// The age of the oldest delta that can be unfolded: never less than it is, and more by the time between two looks at most. Zero while the
    /// fold sleeps, null on an instance that does not fold.
    /// </summary>
    public TimeSpan? Lag
    {
        get
        {
            lock (_gate)
            {
                if (!_isElected)
                    return null;
                var lag = time.GetUtcNow() - _behindSince;
                return _isAsleep || lag < TimeSpan.Zero ? TimeSpan.Zero : lag;
            }
        }
    }

    /// <summary>Deltas that waited at the last look; null on an instance that does not fold.</summary>
    public long? Pending
    {
        get
        {
            lock (_gate)
                return _isElected ? _pending : null;
        }
    }

    /// <summary>For how long nothing could be copied from attached tables; zero while it can, null on an instance that does not fold.</summary>
    public TimeSpan? CopyingFailsFor
    {
        get
        {
            lock (_gate)
                return !_isElected ? null : _copyingFailsSince is { } since ? time.GetUtcNow() - since : TimeSpan.Zero;
        }
    }

    /// <summary>
    /// Of attached tables, keys that waited to be copied and rows that could not be, when they were last counted; null on an instance that does
    /// not fold, and where tables were attached by a version that cannot tell.
    /// </summary>
    public (long Pending, long Failed)? Noted
    {
        get
        {
            lock (_gate)
                return _isElected ? _noted : null;
        }
    }

    /// <summary>Every change that was committed before is in the totals.</summary>
    internal DateTimeOffset FoldedUntil
    {
        get
        {
            lock (_gate)
                return _foldedUntil;
        }
    }

    /// <summary>This instance folds from now on; what waits already, it cannot know.</summary>
    internal void Elect()
    {
        lock (_gate)
        {
            (_isElected, _isAsleep, _pending) = (true, false, 0);
            _behindSince = _foldedUntil = time.GetUtcNow();
        }
    }

    /// <summary>This instance does not fold any more.</summary>
    internal void Resign()
    {
        lock (_gate)
            _isElected = false;
    }

    /// <summary>A look at the deltas ended.</summary>
    /// <param name="began">When it began: what was committed before, it saw.</param>
    /// <param name="found">How many deltas waited.</param>
    /// <param name="isCaughtUp">Whether it folded all of them.</param>
    internal void Look(DateTimeOffset began, long found, bool isCaughtUp)
    {
        lock (_gate)
        {
            _pending = found;
            if (isCaughtUp)
                _behindSince = _foldedUntil = began;
        }
    }

    /// <summary>An attempt to copy from attached tables ended, or there are none.</summary>
    internal void Copy(bool failed)
    {
        lock (_gate)
            _copyingFailsSince = failed ? _copyingFailsSince ?? time.GetUtcNow() : null;
    }

    /// <summary>Keys and rows of attached tables were counted.</summary>
    internal void Note((long Pending, long Failed)? noted)
    {
        lock (_gate)
            _noted = noted;
    }

    /// <summary>Nothing waits, and who writes will say so.</summary>
    internal void Sleep()
    {
        lock (_gate)
            _isAsleep = true;
    }

    /// <summary>The fold looks again.</summary>
    /// <param name="isFirstChange">Whether a writer has just said so, and nobody can have written before.</param>
    internal void Wake(bool isFirstChange)
    {
        lock (_gate)
        {
            _isAsleep = false;
            _behindSince = time.GetUtcNow();
            if (isFirstChange)
                _foldedUntil = _behindSince;
        }
    }
}
