using UsageLogsSite.Filters;

namespace UsageLogsSite.Pages.Usage;

/// <summary>A column of the usage table.</summary>
/// <param name="Class">The class of its cells: the column's name.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Sort">The order its heading chooses; null if it cannot order.</param>
internal sealed record UsageColumn(string Class, string Title, UsageSort? Sort)
{
    internal static readonly IReadOnlyList<UsageColumn> All =
    [
        new("user", "User", UsageSort.Name),
        new("requests", "Requests", UsageSort.Requests),
        new("tokens", "Tokens", UsageSort.Tokens),
        new("credits", "Credits used / bought", UsageSort.Credits),
        new("cost", "Cost", UsageSort.Cost),
        new("revenue", "Revenue", UsageSort.Revenue),
        new("paid", "Paid", null),
        new("last-activity", "Last activity", UsageSort.LastActivity),
    ];

    /// <summary>The columns of a list, in order: the trend is there where it was asked for.</summary>
    internal static IEnumerable<UsageColumn> Of(UsageFilter filter) => filter.HasTrend ? All.Append(Trend) : All;

    /// <summary>Not one of those that a browser hides: whoever does not see it should not be sent it either.</summary>
    private static readonly UsageColumn Trend = new("trend", "Trend, 14 days", null);
}
