using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>Sums over all users of a filter without a search; all null where it keeps nobody.</summary>
internal sealed class UsageSums
{
    public long? Users { get; init; }

    public long? ActiveUsers { get; init; }

    public long? Requests { get; init; }

    public long? Tokens { get; init; }

    public decimal? CostUsd { get; init; }

    public decimal? RevenueUsd { get; init; }

    /// <summary>The sums of a filter, as one row at most.</summary>
    /// <param name="database">Where totals are kept.</param>
    /// <param name="filter">Whom to count.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal static IQueryable<UsageSums> Of(UsageDbContext database, UsageFilter filter, DateTime now) =>
        Kept(database, filter, now).GroupBy(_ => 1).Select(all => new UsageSums
        {
            Users = all.Sum(p => p.Users),
            ActiveUsers = all.Sum(p => p.ActiveUsers),
            Requests = all.Sum(p => p.Requests),
            Tokens = all.Sum(p => p.Tokens),
            CostUsd = all.Sum(p => p.CostUsd),
            RevenueUsd = all.Sum(p => p.RevenueUsd),
        });

    /// <summary>When the first full hour from a moment on begins, in UTC.</summary>
    internal static DateTime FirstWholeHour(DateTime start)
    {
        var hour = start.AddTicks(TimeSpan.TicksPerHour - 1);
        return hour.AddTicks(-(hour.Ticks % TimeSpan.TicksPerHour));
    }

    internal UsageSummary ToSummary() => new(Users ?? 0, ActiveUsers ?? 0, Requests ?? 0, Tokens ?? 0, CostUsd ?? 0, RevenueUsd ?? 0);

    /// <summary>
    /// All users are one row for each type, those of a window the rows of its hours, and of the hour that its start cuts the users
    /// themselves. The inactive are all others.
    /// </summary>
    private static IQueryable<Part> Kept(UsageDbContext database, UsageFilter filter, DateTime now)
    {
        var (hours, totals) = filter.Type switch
        {
            TypeFilter.Internal => OfType(UserType.Internal),
            TypeFilter.External => OfType(UserType.External),
            _ => (database.UsageActivity, (IQueryable<UsageTotal>)database.UsageTotals),
        };
        var window = filter.Activity switch
        {
            ActivityFilter.All => InWindow(hours, totals, now - UsageFilterQueries.InactiveAfter, weight: 0, activeWeight: 1),
            ActivityFilter.Inactive => InWindow(hours, totals, now - UsageFilterQueries.InactiveAfter, weight: -1, activeWeight: 0),
            _ => InWindow(hours, totals, UsageFilterQueries.WindowStart(filter.Activity, now)!.Value, weight: 1, activeWeight: 1),
        };
        return filter.Activity is ActivityFilter.All or ActivityFilter.Inactive
            ? Weighted(hours.Where(h => h.Hour == UsageActivity.AllHours), 1, 0).Concat(window)
            : window;

        (IQueryable<UsageActivity> Hours, IQueryable<UsageTotal> Totals) OfType(UserType type) =>
            (database.UsageActivity.Where(h => h.UserType == type), database.UsageTotals.Where(t => t.UserType == type));
    }

    /// <param name="hours">The kept hours of a type.</param>
    /// <param name="totals">The users of a type.</param>
    /// <param name="start">The oldest activity inside the window, in UTC.</param>
    /// <param name="weight">How often the window's users count.</param>
    /// <param name="activeWeight">How often they count as active.</param>
    private static IQueryable<Part> InWindow(IQueryable<UsageActivity> hours, IQueryable<UsageTotal> totals, DateTime start, long weight, long activeWeight)
    {
        var firstHour = FirstWholeHour(start);
        var cut = totals.Where(t => t.LastActivity >= start && t.LastActivity < firstHour).Select(t => new Part
        {
            Users = weight,
            ActiveUsers = activeWeight,
            Requests = weight * t.Requests,
            Tokens = weight * t.Tokens,
            CostUsd = weight * t.CostUsd,
            RevenueUsd = weight * t.RevenueUsd,
        });
        return Weighted(hours.Where(h => h.Hour >= firstHour && h.Hour < UsageActivity.AllHours), weight, activeWeight).Concat(cut);
    }

    private static IQueryable<Part> Weighted(IQueryable<UsageActivity> hours, long weight, long activeWeight) => hours.Select(h => new Part
    {
        Users = weight * h.Users,
        ActiveUsers = activeWeight * h.Users,
        Requests = weight * h.Requests,
        Tokens = weight * h.Tokens,
        CostUsd = weight * h.CostUsd,
        RevenueUsd = weight * h.RevenueUsd,
    });

    /// <summary>What users, or one of them, add to the sums.</summary>
    private sealed class Part
    {
        public long Users { get; init; }

        public long ActiveUsers { get; init; }

        public long Requests { get; init; }

        public long Tokens { get; init; }

        public decimal CostUsd { get; init; }

        public decimal RevenueUsd { get; init; }
    }
}
