using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>The usage table's one question to the database: sums, rows and the next expiry in a single statement.</summary>
/// <param name="contexts">Makes a context for each query: the live engine asks from many tasks at once.</param>
/// <param name="time">Gives the end of the sliding windows.</param>
/// <param name="zone">The zone whose days periods are made of; UTC unless given.</param>
internal sealed class UsageTable(IDbContextFactory<UsageDbContext> contexts, TimeProvider time, TimeZoneInfo? zone = null)
{
    /// <summary>Answers a filter.</summary>
    /// <param name="filter">What to show; a page past the end is answered with the last page.</param>
    /// <param name="cancellation">Ends the query.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<UsageView> ReadAsync(UsageFilter filter, CancellationToken cancellation)
    {
        try
        {
            return await ReadOnceAsync(filter, cancellation);
        }
        catch (Exception e) when (DatabaseFailure.IsLostConnection(e))
        {
            // The pool cannot know that the server restarted since: no reader should be told of that.
            return await ReadOnceAsync(filter, cancellation);
        }
    }

    private async Task<UsageView> ReadOnceAsync(UsageFilter filter, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var view = await ReadPageAsync(database, filter, cancellation);

        // The page emptied since it was asked for, or never existed: show the last one instead of nothing.
        return view.Filter.Page > view.Pages
            ? await ReadPageAsync(database, filter with { Page = view.Pages }, cancellation)
            : view;
    }

    private async Task<UsageView> ReadPageAsync(UsageDbContext database, UsageFilter filter, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var reporting = new ReportingTime(now, zone ?? TimeZoneInfo.Utc);
        if (PeriodDates.Of(filter, reporting) is { } dates)
            return await PeriodTable.ReadAsync(database, filter, dates, reporting, cancellation);

        var found = await Query(database, filter, now).ToListAsync(cancellation);
        var sums = found.FirstOrDefault()?.Summary;
        var summary = new UsageSummary(
            sums?.Users ?? 0, sums?.ActiveUsers ?? 0, sums?.Requests ?? 0, sums?.Tokens ?? 0, sums?.CostUsd ?? 0, sums?.RevenueUsd ?? 0);
        var rows = found.Where(f => f.Row?.User is not null).Select(f => ToRow(f.Row!)).ToList();
        return new UsageView(filter, summary, rows, NextExpiry(filter, found.FirstOrDefault()));
    }

    /// <summary>
    /// One statement, so that sums and rows are of one snapshot: rows beside the sums, the sums beside a row that is always
    /// there. Joined to single rows only, the page keeps its order.
    /// </summary>
    private static IQueryable<Found> Query(UsageDbContext database, UsageFilter filter, DateTime now)
    {
        var sums = UsageSums.Of(database, filter, now);
        var page = database.UserUsage().Where(filter, now).OrderBy(filter).Skip((filter.Page - 1) * filter.Size).Take(filter.Size);

        // Who leaves the filter's window, or enters it; without one, who is no longer counted as active.
        var windowStart = UsageFilterQueries.WindowStart(filter.Activity, now) ?? now - UsageFilterQueries.InactiveAfter;
        var inWindow = database.UserUsage()
            .Where(filter with { Activity = ActivityFilter.All }, now)
            .Where(u => u.Total.LastActivity >= windowStart)
            .Select(u => (DateTime?)u.Total.LastActivity);

        var found =
            from one in database.Set<RollupState>()
            from s in sums.DefaultIfEmpty()
            from row in page.DefaultIfEmpty()
            select new { Sums = s, Row = row };
        return filter switch
        {
            { Search.Length: 0 } => found.Select(f => new Found { Summary = f.Sums, Row = f.Row, OldestInWindow = inWindow.OrderBy(at => at).FirstOrDefault() }),
            { Activity: ActivityFilter.Inactive } => found.Select(f => new Found { Summary = f.Sums, Row = f.Row, OldestInWindow = inWindow.Min() }),
            _ => found.Select(f => new Found { Summary = f.Sums, Row = f.Row, OldestInWindow = f.Sums!.OldestActive }),
        };
    }

    private static DateTime? NextExpiry(UsageFilter filter, Found? found) =>
        found?.OldestInWindow + (UsageFilterQueries.WindowLength(filter.Activity) ?? UsageFilterQueries.InactiveAfter);

    private static UsageRow ToRow(UserUsage u) => new(
        u.User.Id, u.User.Name, u.User.Email, u.User.UserType, u.User.CreatedAt,
        u.Total.Requests, u.Total.Tokens, u.Total.CreditsUsed, u.Total.CreditsBought, u.Total.CostUsd, u.Total.RevenueUsd,
        u.Total.CompletedPayments, u.Total.CreditsBought - u.Total.CreditsUsed, u.Total.LastActivity == UsageTotal.Never ? null : u.Total.LastActivity);

    private sealed class Found
    {
        public UsageSums? Summary { get; init; }

        public UserUsage? Row { get; init; }

        public DateTime? OldestInWindow { get; init; }
    }
}
