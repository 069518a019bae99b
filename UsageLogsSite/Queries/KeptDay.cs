namespace UsageLogsSite.Queries;

/// <summary>What the rollup keeps of a user's day, and how to tell whether it has changed.</summary>
internal sealed class KeptDay
{
    /// <summary>The calendar day in the reporting time zone.</summary>
    public DateOnly Day { get; init; }

    /// <summary>Number of usage logs.</summary>
    public long Requests { get; init; }

    /// <summary>Prompt and completion tokens together.</summary>
    public long Tokens { get; init; }

    /// <summary>Credits used by responses.</summary>
    public decimal CreditsUsed { get; init; }

    /// <summary>Credits of completed purchases.</summary>
    public decimal CreditsBought { get; init; }

    /// <summary>Cost of responses, in US dollars.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>Amount of completed purchases, in US dollars.</summary>
    public decimal RevenueUsd { get; init; }

    /// <summary>
    /// The transaction that wrote the row: whatever happens to a log or a completed purchase of the day, the fold writes its row anew, even
    /// where the sums stay what they are.
    /// </summary>
    public long Version { get; init; }
}
