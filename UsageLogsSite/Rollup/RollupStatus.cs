namespace UsageLogsSite.Rollup;

/// <summary>
/// What this instance knows of the fold, from what it does anyway: nothing is asked of the database for it. Written by the one shift that
/// folds, read by anybody.
/// </summary>
internal sealed class RollupStatus(TimeProvider time)
{
    /// <summary>How long a fold that was interrupted remembers what it left, while others fold: where all of them get stuck, each has a turn now and then.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private Duty _duty;
    private bool _isAsleep;
    private DateTimeOffset _behindSince = time.GetUtcNow();
    private DateTimeOffset _resignedAt;
    private DateTimeOffset _foldedUntil;
    private long _pending;
    private DateTimeOffset? _copyingFailsSince;
    private (long Pending, long Failed)? _noted;

    private enum Duty
    {
        /// <summary>Who folds is not known: perhaps nobody.</summary>
        Unknown,

        /// <summary>This instance.</summary>
        Own,

        /// <summary>Another one.</summary>
        Others,
    }

    /// <summary>Whether this instance folds.</summary>
    public bool IsElected
    {
        get
        {
            lock (_gate)
                return _duty == Duty.Own;
        }
    }

    /// <summary>
    /// The age of the oldest delta that can be unfolded: never less than it is, and more by the time between two looks at most. Zero while the
    /// fold sleeps, null while another instance folds. A fold that was interrupted is as late as ever.
    /// </summary>
    public TimeSpan? Lag
    {
        get
        {
            lock (_gate)
            {
                if (_duty == Duty.Others)
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
                return _duty == Duty.Own ? _pending : null;
        }
    }

    /// <summary>For how long nothing could be copied from attached tables; zero while it can, null on an instance that does not fold.</summary>
    public TimeSpan? CopyingFailsFor
    {
        get
        {
            lock (_gate)
                return _duty != Duty.Own ? null : _copyingFailsSince is { } since ? time.GetUtcNow() - since : TimeSpan.Zero;
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
                return _duty == Duty.Own ? _noted : null;
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

    /// <summary>
    /// This instance folds from now on; what waits already, it cannot know. What it left when it was interrupted it takes up again, as old as
    /// that is by now: a fold that fails and is elected anew all the time would never be late otherwise.
    /// </summary>
    internal void Elect()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_duty == Duty.Others && now - _resignedAt > Memory)
                _behindSince = now;
            (_duty, _isAsleep, _pending, _foldedUntil) = (Duty.Own, false, 0, now);
        }
    }

    /// <summary>This instance does not fold any more; whether another one does, it does not know yet.</summary>
    internal void Resign()
    {
        lock (_gate)
        {
            _resignedAt = time.GetUtcNow();
            if (_isAsleep)
                _behindSince = _resignedAt; // nothing waited until now
            (_duty, _isAsleep) = (Duty.Unknown, false);
        }
    }

    /// <summary>Another instance was seen to fold.</summary>
    internal void Yield()
    {
        lock (_gate)
            _duty = Duty.Others;
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
