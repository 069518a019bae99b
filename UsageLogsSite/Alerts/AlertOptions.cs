using UsageLogsSite.Hosting;

namespace UsageLogsSite.Alerts;

/// <summary>How alerts are looked after: section <c>Alerts</c> of the settings.</summary>
internal sealed class AlertOptions
{
    /// <summary>The least time between two checks of all rules; a lone change is checked at once.</summary>
    [Allowed("Alerts", "00:00:00.100", "01:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether webhooks may lead into this machine and its network; otherwise owners could reach what only the site can.</summary>
    public bool AllowPrivateAddresses { get; set; }
}
