namespace UsageLogsSite.Data;

/// <summary>
/// What one user used and bought on one day: what views of a period are made of. A day without a log and a completed purchase has no
/// row. Written only by the rollup.
/// </summary>
public sealed class UsageDay
{
    /// <summary>The calendar day in the reporting time zone (<see cref="RollupState.TimeZone"/>).</summary>
    public DateOnly Day { get; set; }

    /// <summary>Whose day.</summary>
    public Guid UserId { get; set; }

    /// <summary>Number of usage logs.</summary>
    public long Requests { get; set; }

    /// <summary>Prompt and completion tokens together.</summary>
    public long Tokens { get; set; }

    /// <summary>Credits used by responses.</summary>
    public decimal CreditsUsed { get; set; }

    /// <summary>Credits of completed purchases.</summary>
    public decimal CreditsBought { get; set; }

    /// <summary>Cost of responses, in US dollars.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>Amount of completed purchases, in US dollars.</summary>
    public decimal RevenueUsd { get; set; }

    /// <summary>Number of completed purchases.</summary>
    public int CompletedPayments { get; set; }
}
