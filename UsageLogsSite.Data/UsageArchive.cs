namespace UsageLogsSite.Data;

/// <summary>
/// What the logs of a user and a quarter of an hour added up to that retention has dropped: with these, totals stay what they were, and
/// days of any time zone can still be told apart. Written only by retention.
/// </summary>
public sealed class UsageArchive
{
    /// <summary>The user who asked.</summary>
    public Guid UserId { get; set; }

    /// <summary>When the quarter of an hour begins, in UTC.</summary>
    public DateTime Quarter { get; set; }

    /// <summary>Number of dropped logs; never zero.</summary>
    public long Requests { get; set; }

    /// <summary>Their prompt and completion tokens.</summary>
    public long Tokens { get; set; }

    /// <summary>Credits they used.</summary>
    public decimal Credits { get; set; }

    /// <summary>What they cost the operator, in US dollars.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>When the newest of them was made, in UTC.</summary>
    public DateTime LastActivity { get; set; }
}
