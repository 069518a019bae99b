namespace UsageLogsSite.Live;

/// <summary>Whether this instance hears changes, and since when.</summary>
internal sealed class ListenerStatus(TimeProvider time)
{
    private volatile State _state = new(false, time.GetUtcNow());

    /// <summary>Whether changes are heard; otherwise the listener connects.</summary>
    internal bool IsFollowing => _state.IsFollowing;

    /// <summary>Since when that is so, in UTC.</summary>
    internal DateTimeOffset Since => _state.Since;

    /// <summary>For how long that has been so.</summary>
    internal TimeSpan Age => time.GetUtcNow() - Since;

    /// <summary>Notes what the one listener finds.</summary>
    internal void Set(bool isFollowing)
    {
        if (_state.IsFollowing != isFollowing)
            _state = new State(isFollowing, time.GetUtcNow());
    }

    private sealed record State(bool IsFollowing, DateTimeOffset Since);
}
