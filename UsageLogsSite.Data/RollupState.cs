namespace UsageLogsSite.Data;

/// <summary>The one row that tells in which zone the rollup keeps days and hours.</summary>
public sealed class RollupState
{
    /// <summary>Always true: the table has one row.</summary>
    public bool Id { get; set; }

    /// <summary>
    /// The IANA id of the zone that <see cref="UsageDay"/> and <see cref="UsageHour"/> are kept in; null until an elected instance has
    /// made them: so long they stay empty.
    /// </summary>
    public string? TimeZone { get; set; }
}
