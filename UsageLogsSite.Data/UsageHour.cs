namespace UsageLogsSite.Data;

/// <summary>
/// What all users of a type used and bought in one hour: the sums of a period, and of a part of it, without adding up users. An hour
/// without a log and a completed purchase has no row. Written only by the rollup.
/// </summary>
public sealed class UsageHour
{
    /// <summary>The calendar day in the reporting time zone that the hour belongs to.</summary>
    public DateOnly Day { get; set; }

    /// <summary>When the hour of the reporting time zone's clock begins, in UTC: on the half-hour where the zone's offset has one.</summary>
    public DateTime Hour { get; set; }

    /// <summary>Whose users.</summary>
    public UserType UserType { get; set; }

    /// <summary>Number of usage logs.</summary>
    public long Requests { get; set; }

    /// <summary>Prompt and completion tokens together.</summary>
    public long Tokens { get; set; }

    /// <summary>Cost of responses, in US dollars.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>Amount of completed purchases, in US dollars.</summary>
    public decimal RevenueUsd { get; set; }

    /// <summary>Number of completed purchases.</summary>
    public int CompletedPayments { get; set; }
}
