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

    /// <summary>The users that a filter keeps, with their totals.</summary>
    /// <param name="database">Where they are.</param>
    /// <param name="filter">Whom to keep.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal static IQueryable<UserUsage> UserUsage(this UsageDbContext database, UsageFilter filter, DateTime now)
    {
        var users = database.UsageTotals.Where(filter, now).WithUsers(database);
        if (filter.Search.Length == 0)
            return users;

        var pattern = $"%{EscapeLike(filter.Search)}%";
        return users.Where(u => EF.Functions.ILike(u.User.Name, pattern, @"\") || EF.Functions.ILike(u.User.Email, pattern, @"\"));
    }

    /// <summary>One page of them, not necessarily in order.</summary>
    /// <param name="database">Where they are.</param>
    /// <param name="filter">Whom to keep, in which order, and which page.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal static IQueryable<UserUsage> UserUsagePage(this UsageDbContext database, UsageFilter filter, DateTime now)
    {
        if (filter.Search.Length > 0 || filter.Sort == UsageSort.Name)
            return Cut(database.UserUsage(filter, now));

        // Totals alone decide who is on the page: only then are users looked up.
        var totals = Cut(database.UsageTotals.Where(filter, now).Select(t => new UserUsage { Total = t, User = null! }));
        return totals.Select(u => u.Total).WithUsers(database);

        IQueryable<UserUsage> Cut(IQueryable<UserUsage> users) => users.OrderBy(u => u, filter).Skip((filter.Page - 1) * filter.Size).Take(filter.Size);
    }

    /// <summary>The totals that a filter's type and activity keep; a search needs the users too.</summary>
    /// <param name="totals">All totals.</param>
    /// <param name="filter">What to keep.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal static IQueryable<UsageTotal> Where(this IQueryable<UsageTotal> totals, UsageFilter filter, DateTime now)
    {
        totals = filter.Type switch
        {
            TypeFilter.Internal => totals.Where(t => t.UserType == UserType.Internal),
            TypeFilter.External => totals.Where(t => t.UserType == UserType.External),
            _ => totals,
        };
        return WindowStart(filter.Activity, now) is not { } start ? totals
            : filter.Activity == ActivityFilter.Inactive ? totals.Where(t => t.LastActivity < start)
            : totals.Where(t => t.LastActivity >= start);
    }

    /// <summary>
    /// Orders by the filter's column, then by id, both in one direction: so one index serves both directions.
    /// </summary>
    /// <param name="rows">What to order.</param>
    /// <param name="of">The user of a row.</param>
    /// <param name="filter">The order.</param>
    internal static IOrderedQueryable<T> OrderBy<T>(this IQueryable<T> rows, Expression<Func<T, UserUsage>> of, UsageFilter filter) => filter.Sort switch
    {
        UsageSort.Name => rows.By(of, u => u.User.Name, u => u.User.Id, filter),
        UsageSort.Requests => rows.By(of, u => u.Total.Requests, u => u.Total.UserId, filter),
        UsageSort.Tokens => rows.By(of, u => u.Total.Tokens, u => u.Total.UserId, filter),
        UsageSort.Credits => rows.By(of, u => u.Total.CreditsUsed, u => u.Total.UserId, filter),
        UsageSort.Cost => rows.By(of, u => u.Total.CostUsd, u => u.Total.UserId, filter),
        UsageSort.Revenue => rows.By(of, u => u.Total.RevenueUsd, u => u.Total.UserId, filter),
        _ => rows.By(of, u => u.Total.LastActivity, u => u.Total.UserId, filter),
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

    private static IQueryable<UserUsage> WithUsers(this IQueryable<UsageTotal> totals, UsageDbContext database) =>
        from total in totals
        join user in database.Users on total.UserId equals user.Id
        select new UserUsage { User = user, Total = total };

    private static IOrderedQueryable<T> By<T, TKey>(
        this IQueryable<T> rows, Expression<Func<T, UserUsage>> of, Expression<Func<UserUsage, TKey>> key, Expression<Func<UserUsage, Guid>> id, UsageFilter filter)
    {
        var (first, second) = (Of(key), Of(id));
        if (filter.Search.Length < ShortestIndexedSearch)
            return filter.Descending ? rows.OrderByDescending(first).ThenByDescending(second) : rows.OrderBy(first).ThenBy(second);

        // Always false, and no index has it: PostgreSQL expects more matches than there are, and would rather read all users in the
        // column's order until a page is full. So it has to find the matches first, and to sort these.
        var found = rows.OrderBy(Of(u => u.Total.UserId != u.User.Id));
        return filter.Descending ? found.ThenByDescending(first).ThenByDescending(second) : found.ThenBy(first).ThenBy(second);

        Expression<Func<T, TValue>> Of<TValue>(Expression<Func<UserUsage, TValue>> value) =>
            Expression.Lambda<Func<T, TValue>>(Expression.Invoke(value, of.Body), of.Parameters);
    }

    private static string EscapeLike(string text) => text
        .Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("%", @"\%", StringComparison.Ordinal)
        .Replace("_", @"\_", StringComparison.Ordinal);
}
