using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Pages.Shared;
using UsageLogsSite.Pages.Usage;

namespace UsageLogsSite.Pages.Admin;

/// <summary>Widgets in words.</summary>
internal static class EmbedText
{
    /// <summary>What a widget shows: <c>External users · active in 7 days · by cost</c>.</summary>
    /// <param name="embed">The widget.</param>
    /// <param name="user">The e-mail address of its one user; null if there is no such user.</param>
    internal static string Shows(Embed embed, string? user)
    {
        var query = new QueryCollection(QueryHelpers.ParseQuery(embed.Filter));
        if (embed.UserId is not null || embed.IsPerViewer)
        {
            var own = UserFilter.Parse(query);
            return Join(embed.IsPerViewer ? "Each viewer's own usage" : $"The usage of {user ?? "a user who is gone"}", Period(own.Period), Rows(own.Size));
        }

        var filter = UsageFilter.Parse(query);
        return Join(
            filter.Type switch { TypeFilter.Internal => "Internal users", TypeFilter.External => "External users", _ => "All users" },
            Activity(filter.Activity),
            Period(filter.Period),
            filter.Search.Length > 0 ? $"“{filter.Search}”" : "",
            $"by {SortTitle(filter.Sort).ToLowerInvariant()}",
            Rows(filter.Size));
    }

    /// <summary>A column's name for people; the first letter is a capital.</summary>
    internal static string Column(string name) => name switch
    {
        "email" => "E-mail",
        "paid" => "Paid dot",
        "last-activity" => "Last activity",
        _ => char.ToUpperInvariant(name[0]) + name[1..],
    };

    /// <summary>How recently users were active, in a list of choices.</summary>
    internal static string ActivityTitle(ActivityFilter activity) => activity switch
    {
        ActivityFilter.Active24H => "Active in 24 hours",
        ActivityFilter.Active7D => "Active in 7 days",
        ActivityFilter.Active30D => "Active in 30 days",
        ActivityFilter.Inactive => "Inactive for 30 days",
        _ => "Any time",
    };

    /// <summary>An order, in a list of choices.</summary>
    internal static string SortTitle(UsageSort sort) => Column(Names.Of(sort));

    /// <summary>Whether it may be seen: <c>Open</c>, <c>Expired</c> or <c>Revoked</c>.</summary>
    internal static string State(Embed embed, DateTime now) => embed.RevokedAt is not null ? "Revoked" : embed.ExpiresAt <= now ? "Expired" : "Open";

    private static string Activity(ActivityFilter activity) => activity == ActivityFilter.All ? "" : ActivityTitle(activity).ToLowerInvariant();

    private static string Period(UsagePeriod period) =>
        period == default ? "" : period.Month is null ? PeriodText.Title(period).ToLowerInvariant() : PeriodText.Title(period);

    private static string Rows(int size) => $"{Format.Count(size)} rows";

    private static string Join(params string[] parts) => string.Join(" · ", parts.Where(part => part.Length > 0));
}
