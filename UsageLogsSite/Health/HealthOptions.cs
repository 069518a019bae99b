using UsageLogsSite.Hosting;

namespace UsageLogsSite.Health;

/// <summary>When the site says that it is not ready: section <c>Health</c> of the settings.</summary>
internal sealed class HealthOptions
{
    /// <summary>How old the oldest unfolded change may be on the instance that folds.</summary>
    [Allowed("Health", "00:00:01", "1.00:00:00")]
    public TimeSpan MaxFoldLag { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the site still answers after it was asked to stop, saying that it is not ready: the time a balancer needs to notice.</summary>
    [Allowed("Health", "00:00:00", "00:05:00")]
    public TimeSpan Drain { get; set; } = TimeSpan.Zero;
}
