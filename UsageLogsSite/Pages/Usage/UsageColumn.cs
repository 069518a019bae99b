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
}
