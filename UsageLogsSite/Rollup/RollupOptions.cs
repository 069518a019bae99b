using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>How the fold paces itself: section <c>Rollup</c> of the settings.</summary>
internal sealed class RollupOptions
{
    /// <summary>How long the fold waits between two looks while there is work.</summary>
    [Allowed("Rollup", "00:00:00.010", "00:00:05")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long there must be no work before the fold sleeps, and writers notify again.</summary>
    [Allowed("Rollup", "00:00:00.100", "00:10:00")]
    public TimeSpan Idle { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a sleeping fold looks for itself: the net under a lost notification.</summary>
    [Allowed("Rollup", "00:00:01", "01:00:00")]
    public TimeSpan Sweep { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Deltas folded in one transaction at most: a backlog is folded faster in large ones.</summary>
    [Allowed("Rollup", "1", "1000000")]
    public int BatchSize { get; set; } = 100_000;
}
