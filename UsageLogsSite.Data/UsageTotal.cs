namespace UsageLogsSite.Data;

/// <summary>One user's totals over all logs and purchases: what every page reads. Written only by the rollup.</summary>
public sealed class UsageTotal
{
    /// <summary>The value of <see cref="LastActivity"/> of a user without logs; PostgreSQL's <c>-infinity</c>.</summary>
    public static readonly DateTime Never = DateTime.MinValue;

    /// <summary>The user these totals belong to.</summary>
    public Guid UserId { get; set; }

    /// <summary>A copy of the user's type, so that filters and sorts need one index.</summary>
    public UserType UserType { get; set; }

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

    /// <summary>When the newest log was made, in UTC; <see cref="Never"/> without logs.</summary>
    public DateTime LastActivity { get; set; }
}
