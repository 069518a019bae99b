using UsageLogsSite.Hosting;

namespace UsageLogsSite.Access;

/// <summary>What one client may ask for: section <c>Limits</c> of the settings.</summary>
internal sealed class LimitOptions
{
    /// <summary>
    /// Requests a client may make in a second, over time; short bursts may be four times that. An address may make twenty times as many, and
    /// as many again for widgets, of which one may have half.
    /// </summary>
    [Allowed("Limits", "1", "100000")]
    public int RequestsPerSecond { get; set; } = 50;

    /// <summary>Files of usage that are written at once in all; a client has one at a time.</summary>
    [Allowed("Limits", "1", "1000")]
    public int ExportsAtOnce { get; set; } = 4;

    /// <summary>How long a file may take to be fetched: its rows are of one moment, which the database has to keep so long.</summary>
    [Allowed("Limits", "00:00:01", "1.00:00:00")]
    public TimeSpan LongestExport { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Attempts to sign in that one address may make in a minute, and that may be made at one account.</summary>
    [Allowed("Limits", "1", "100000")]
    public int SignInsPerMinute { get; set; } = 20;

    /// <summary>Refusals in ten seconds after which an address's connection is closed.</summary>
    [Allowed("Limits", "1", "1000000")]
    public int RefusalsBeforeClose { get; set; } = 200;
}
