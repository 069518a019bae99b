using UsageLogsSite.Hosting;

namespace UsageLogsSite.Live;

/// <summary>How live updates are paced: section <c>Live</c> of the settings.</summary>
internal sealed class LiveOptions
{
    /// <summary>The least time between two updates of a filter set.</summary>
    [Allowed("Live", "00:00:00", "00:10:00")]
    public TimeSpan Debounce { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a first change waits for others, so that a burst becomes one update.</summary>
    [Allowed("Live", "00:00:00", "00:10:00")]
    public TimeSpan Settle { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How often a quiet stream says that it is alive.</summary>
    [Allowed("Live", "00:00:01", "00:05:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);
}
