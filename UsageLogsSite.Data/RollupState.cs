namespace UsageLogsSite.Data;

/// <summary>The one row that tells writers whether the rollup is awake.</summary>
public sealed class RollupState
{
    /// <summary>Always true: the table has one row.</summary>
    public bool Id { get; set; }

    /// <summary>Until then (UTC) the rollup polls by itself, and writers send no NOTIFY.</summary>
    public DateTime AwakeUntil { get; set; }
}
