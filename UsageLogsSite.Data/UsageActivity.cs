namespace UsageLogsSite.Data;

/// <summary>
/// The sums over all users of a type whose newest log falls into one hour: what the sums of every page are made of, so that nobody has
/// to add up all users. Written only by the rollup, together with <see cref="UsageTotal"/>.
/// </summary>
public sealed class UsageActivity
{
    /// <summary>The value of <see cref="Hour"/> in the row of all users of a type; PostgreSQL's <c>infinity</c>.</summary>
    public static readonly DateTime AllHours = DateTime.MaxValue;

    /// <summary>Whose users.</summary>
    public UserType UserType { get; set; }

    /// <summary>When the hour begins, in UTC; <see cref="UsageTotal.Never"/> for users without logs, <see cref="AllHours"/> for all.</summary>
    public DateTime Hour { get; set; }

    /// <summary>Number of users; never zero.</summary>
    public long Users { get; set; }

    /// <summary>Number of their usage logs.</summary>
    public long Requests { get; set; }

    /// <summary>Their prompt and completion tokens.</summary>
    public long Tokens { get; set; }

    /// <summary>Cost of their responses, in US dollars.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>Amount of their completed purchases, in US dollars.</summary>
    public decimal RevenueUsd { get; set; }
}
