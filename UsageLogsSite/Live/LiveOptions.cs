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

    /// <summary>Streams open at once in all; further readers poll.</summary>
    [Allowed("Live", "1", "1000000")]
    public int MaxStreams { get; set; } = 20_000;

    /// <summary>Streams of one browser at once: with HTTP/1.1 it has six connections, and pages need some of them.</summary>
    [Allowed("Live", "1", "1000000")]
    public int MaxStreamsPerClient { get; set; } = 4;

    /// <summary>
    /// Streams of one address at once: many browsers may share one. Widgets are counted apart from the site's own pages, up to the same
    /// number, of which one widget may have half.
    /// </summary>
    [Allowed("Live", "1", "1000000")]
    public int MaxStreamsPerAddress { get; set; } = 1_000;

    /// <summary>Streams that may be opened in a second in all; whoever comes faster waits in line, so that a restart is no stampede.</summary>
    [Allowed("Live", "10", "1000000")]
    public int MaxOpensPerSecond { get; set; } = 500;

    /// <summary>Updates that a stream carries in a second at most, whatever <see cref="Debounce"/> is; in between the latest wins.</summary>
    [Allowed("Live", "1", "1000")]
    public int MaxEventsPerSecond { get; set; } = 10;

    /// <summary>Filter sets that ask the database at once: more would only take each other's time, and all connections.</summary>
    [Allowed("Live", "1", "1000")]
    public int MaxConcurrentReads { get; set; } = 4;

    /// <summary>How long a stream lives, give or take a fifth; readers come back unnoticed.</summary>
    [Allowed("Live", "00:00:01", "1.00:00:00")]
    public TimeSpan MaxStreamLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a reader may take to accept an event before its connection is closed.</summary>
    [Allowed("Live", "00:00:00.100", "00:05:00")]
    public TimeSpan WriteDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often streams are looked after: often enough that nothing is late by more than a tenth.</summary>
    internal TimeSpan Pulse => TimeSpan.FromTicks(Math.Clamp(
        Math.Min(Heartbeat.Ticks, WriteDeadline.Ticks) / 10, 10 * TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerSecond));
}
