namespace UsageLogsSite.Hosting;

/// <summary>How usage is reported: section <c>Usage</c> of the settings.</summary>
internal sealed class UsageOptions
{
    /// <summary>The zone whose calendar days and months a period is made of, by its IANA id; the same on all instances.</summary>
    [TimeZoneId("Usage")]
    public string TimeZone { get; set; } = "UTC";
}
