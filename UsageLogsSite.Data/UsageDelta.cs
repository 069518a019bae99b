namespace UsageLogsSite.Data;

/// <summary>What one written row adds to its user's totals (negative when it goes). Triggers append, the rollup folds and deletes.</summary>
public sealed class UsageDelta
{
    /// <summary>The user whose totals change; null asks for a rebuild of all totals (after TRUNCATE).</summary>
    public Guid? UserId { get; set; }

    /// <summary>When, in UTC, that was used or bought: the log's or purchase's own time; null if nothing is added.</summary>
    public DateTime? OccurredAt { get; set; }

    /// <summary>Logs added.</summary>
    public int Requests { get; set; }

    /// <summary>Tokens added.</summary>
    public long Tokens { get; set; }

    /// <summary>Used credits added.</summary>
    public decimal CreditsUsed { get; set; }

    /// <summary>Bought credits added.</summary>
    public decimal CreditsBought { get; set; }

    /// <summary>Cost added, in US dollars.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>Revenue added, in US dollars.</summary>
    public decimal RevenueUsd { get; set; }

    /// <summary>Completed purchases added.</summary>
    public int CompletedPayments { get; set; }
}
