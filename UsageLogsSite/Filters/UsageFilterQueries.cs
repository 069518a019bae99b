using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Filters;

/// <summary>A user beside the totals kept for them: what filters narrow and order.</summary>
internal sealed class UserUsage
{
    public required User User { get; init; }

    public required UsageTotal Total { get; init; }
}

/// <summary>Turns a filter into SQL.</summary>
internal static class UsageFilterQueries
{
    internal static readonly TimeSpan InactiveAfter = TimeSpan.FromDays(30);

    /// <summary>An index of trigrams cannot find less.</summary>
    private const int ShortestIndexedSearch = 3;

    /// <summary>Every user with their totals.</summary>
    internal static IQueryable<UserUsage> UserUsage(this UsageDbContext database) =>
        from total in database.UsageTotals
        join user in database.Users on total.UserId equals user.Id
        select new UserUsage { User = user, Total = total };

    /// <summary>Keeps the users that a filter shows.</summary>
    /// <param name="users">Users with totals.</param>
    /// <param name="filter">What to keep.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal static IQueryable<UserUsage> Where(this IQueryable<UserUsage> users, UsageFilter filter, DateTime now)
    {
        users = filter.Type switch
        {
            TypeFilter.Internal => users.Where(u => u.Total.UserType == UserType.Internal),
            TypeFilter.External => users.Where(u => u.Total.UserType == UserType.External),
            _ => users,
        };

        if (WindowStart(filter.Activity, now) is { } start)
        {
            users = filter.Activity == ActivityFilter.Inactive
                ? users.Where(u => u.Total.LastActivity < start)
                : users.Where(u => u.Total.LastActivity >= start);
        }

        if (filter.Search.Length > 0)
        {
            var pattern = SearchPattern(filter.Search);
            users = users.Where(u =>
                EF.Functions.ILike(u.User.Name, pattern, @"\") || EF.Functions.ILike(u.User.Email, pattern, @"\"));
        }

        return users;
    }

    /// <summary>
    /// Orders by the filter's column, then by id, both in one direction: so one index serves both directions.
    /// </summary>
    internal static IOrderedQueryable<UserUsage> OrderBy(this IQueryable<UserUsage> users, UsageFilter filter) => filter.Sort switch
    {
        UsageSort.Name => users.By(u => u.User.Name, u => u.User.Id, filter),
        UsageSort.Requests => users.By(u => u.Total.Requests, u => u.Total.UserId, filter),
        UsageSort.Tokens => users.By(u => u.Total.Tokens, u => u.Total.UserId, filter),
        UsageSort.Credits => users.By(u => u.Total.CreditsUsed, u => u.Total.UserId, filter),
        UsageSort.Cost => users.By(u => u.Total.CostUsd, u => u.Total.UserId, filter),
        UsageSort.Revenue => users.By(u => u.Total.RevenueUsd, u => u.Total.UserId, filter),
        _ => users.By(u => u.Total.LastActivity, u => u.Total.UserId, filter),
    };

    /// <summary>The oldest activity inside an activity window, in UTC; null where the filter has no window.</summary>
    internal static DateTime? WindowStart(ActivityFilter activity, DateTime now) => WindowLength(activity) is { } length ? now - length : null;

    /// <summary>How long an activity window is; null where the filter has none.</summary>
    internal static TimeSpan? WindowLength(ActivityFilter activity) => activity switch
    {
        ActivityFilter.Active24H => TimeSpan.FromHours(24),
        ActivityFilter.Active7D => TimeSpan.FromDays(7),
        ActivityFilter.Active30D or ActivityFilter.Inactive => InactiveAfter,
        _ => null,
    };

    /// <summary>The pattern for ILIKE, with a backslash as escape, of whatever contains a text.</summary>
    internal static string SearchPattern(string text) => $"%{text
        .Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("%", @"\%", StringComparison.Ordinal)
        .Replace("_", @"\_", StringComparison.Ordinal)}%";

    private static IOrderedQueryable<UserUsage> By<TKey>(
        this IQueryable<UserUsage> users, Expression<Func<UserUsage, TKey>> key, Expression<Func<UserUsage, Guid>> id, UsageFilter filter)
    {
        if (filter.Search.Length < ShortestIndexedSearch)
            return filter.Descending ? users.OrderByDescending(key).ThenByDescending(id) : users.OrderBy(key).ThenBy(id);

        // Always false, and no index has it: PostgreSQL expects more matches than there are, and would rather read all users in the
        // column's order until a page is full. So it has to find the matches first, and to sort these.
        var found = users.OrderBy(u => u.Total.UserId != u.User.Id);
        return filter.Descending ? found.ThenByDescending(key).ThenByDescending(id) : found.ThenBy(key).ThenBy(id);
    }
}
