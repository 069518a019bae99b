namespace UsageLogsSite.Data;

/// <summary>The one row of what the rollup keeps about itself.</summary>
public sealed class RollupState
{
    /// <summary>Always true: the table has one row.</summary>
    public bool Id { get; set; }

    /// <summary>
    /// The IANA id of the zone that <see cref="UsageDay"/> and <see cref="UsageHour"/> are kept in; null until an elected instance has
    /// made them: so long they stay empty.
    /// </summary>
    public string? TimeZone { get; set; }

    /// <summary>What users' names in change hints are made with, so that who only hears the hints cannot tell whose they are.</summary>
    public Guid HintKey { get; set; }
}
