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

    /// <summary>Every user with their totals.</summary>
    internal static IQueryable<UserUsage> UserUsage(this UsageDbContext database) =>
        from total in database.UsageTotals
        join user in database.Users on total.UserId equals user.Id
        select new UserUsage { User = user, Total = total };

    /// <summary>The users that contain what is searched for, with their totals; all users where nothing is searched for.</summary>
    internal static IQueryable<UserUsage> Matching(this UsageDbContext database, UsageFilter filter)
    {
        if (filter.Search.Length == 0)
            return database.UserUsage();
        var pattern = FilterSql.SearchPattern(filter.Search);
        return
            from user in database.Users.FromSql($@"SELECT *, xmin FROM users WHERE search_text LIKE lower({pattern}) ESCAPE '\'")
            join total in database.UsageTotals on user.Id equals total.UserId
            select new UserUsage { User = user, Total = total };
    }

    /// <summary>The totals without their users, for what needs none.</summary>
    internal static IQueryable<UserUsage> Totals(this UsageDbContext database) =>
        database.UsageTotals.Select(total => new UserUsage { User = null!, Total = total });

    /// <summary>Keeps the users that a filter without a search shows.</summary>
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

        return users;
    }

    /// <summary>Some of the users that a filter without a search shows, not necessarily in order.</summary>
    /// <param name="database">Where they are.</param>
    /// <param name="filter">Whom to show, in which order.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    /// <param name="skipped">How many come before them.</param>
    /// <param name="count">How many at most.</param>
    internal static IQueryable<UserUsage> Cut(this UsageDbContext database, UsageFilter filter, DateTime now, int skipped, int count)
    {
        // Who is skipped is counted in an index and not looked up. Names alone are with the users.
        var all = filter switch
        {
            { Sort: not UsageSort.Name } => database.Totals(),
            { Type: TypeFilter.All, Activity: ActivityFilter.All } => database.UsersWithTotals(),
            _ => database.UserUsage(),
        };
        var sorted = all.Where(filter, now).OrderBy(u => u, filter);
        var picked = (filter.Sort == UsageSort.Name ? sorted.Select(u => u.User.Id) : sorted.Select(u => u.Total.UserId)).Skip(skipped).Take(count);
        return picked.Join(database.UserUsage(), id => id, u => u.Total.UserId, (_, u) => u);
    }

    /// <summary>
    /// The users without their totals, but only those who have some. To look that up for each is what takes time: whoever has none yet
    /// has a delta that says so, without a time as it is of no log or purchase.
    /// </summary>
    private static IQueryable<UserUsage> UsersWithTotals(this UsageDbContext database)
    {
        var withoutTotals = database.Set<UsageDelta>()
            .Where(d => d.UserId != null && d.OccurredAt == null && !database.UsageTotals.Any(t => t.UserId == d.UserId))
            .Select(d => d.UserId!.Value);
        return database.Users.Where(u => !withoutTotals.Contains(u.Id)).Select(user => new UserUsage { User = user, Total = null! });
    }

    /// <summary>
    /// Orders by the filter's column, then by id, both in one direction: so one index serves both directions.
    /// </summary>
    /// <param name="rows">What to order.</param>
    /// <param name="of">The user of a row.</param>
    /// <param name="filter">The order.</param>
    internal static IOrderedQueryable<T> OrderBy<T>(
        this IQueryable<T> rows, Expression<Func<T, UserUsage>> of, UsageFilter filter) => filter.Sort switch
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

    /// <summary>
    /// After how long an activity changes what is shown: who leaves the filter's window, or enters it; without one, who is no longer
    /// counted as active.
    /// </summary>
    internal static TimeSpan ExpiresAfter(ActivityFilter activity) => WindowLength(activity) ?? InactiveAfter;

    private static IOrderedQueryable<T> By<T, TKey>(
        this IQueryable<T> rows, Expression<Func<T, UserUsage>> of, Expression<Func<UserUsage, TKey>> key, Expression<Func<UserUsage, Guid>> id, UsageFilter filter)
    {
        var (first, second) = (Of(key), Of(id));
        return filter.Descending ? rows.OrderByDescending(first).ThenByDescending(second) : rows.OrderBy(first).ThenBy(second);

        Expression<Func<T, TValue>> Of<TValue>(Expression<Func<UserUsage, TValue>> value) =>
            Expression.Lambda<Func<T, TValue>>(Expression.Invoke(value, of.Body), of.Parameters);
    }
}
