using System.Data;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>The usage table's one question to the database: sums, rows and the next expiry of a single snapshot.</summary>
/// <param name="admin">Gives a context for each query: the live engine asks from many tasks at once.</param>
/// <param name="time">Gives the end of the sliding windows.</param>
/// <param name="zone">The zone whose days periods are made of.</param>
internal sealed class UsageTable(AdminDatabase admin, TimeProvider time, TimeZoneInfo zone)
{
    /// <summary>Answers a filter.</summary>
    /// <param name="filter">What to show; a page past the end is answered with the last page.</param>
    /// <param name="cancellation">Ends the query.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<UsageView> ReadAsync(UsageFilter filter, CancellationToken cancellation) =>
        admin.ReadAsync((database, c) => ReadOnceAsync(database, filter, c), cancellation);

    private async Task<UsageView> ReadOnceAsync(UsageDbContext database, UsageFilter filter, CancellationToken cancellation)
    {
        var now = new ReportingTime(time.GetUtcNow().UtcDateTime, zone);
        var view = await ReadPageAsync(filter);

        // The page emptied since it was asked for, or never existed: show the last one instead of nothing.
        if (view.Filter.Page > view.Pages)
            view = await ReadPageAsync(filter with { Page = view.Pages });
        if (!filter.HasChart && !filter.HasTrend)
            return view;

        // A moment later than the rows: what they may know more is a change that readers are still to be told.
        var chart = filter.HasChart ? await UsageChart.ReadAsync(database, filter, now, cancellation) : null;
        var rows = filter.HasTrend ? await UsageTrend.AddAsync(database, view.Rows, now, cancellation) : view.Rows;
        var expiry = view.NextExpiry < now.Midnight ? view.NextExpiry : now.Midnight;
        return new UsageView(view.Filter, view.Summary, rows, expiry, view.Period, chart);

        Task<UsageView> ReadPageAsync(UsageFilter asked) =>
            PeriodDates.Of(asked, now) is { } dates ? PeriodTable.ReadAsync(database, asked, dates, now, cancellation)
            : asked.Search.Length > 0 ? SearchTable.ReadAsync(database, asked, now.Utc, cancellation)
            : FarPage.IsFar(asked) ? ReadFarAsync(database, asked, now.Utc, cancellation)
            : ReadNearAsync(database, asked, now.Utc, cancellation);
    }

    /// <summary>
    /// One statement, so that sums and rows are of one snapshot: rows beside the sums, the sums beside a row that is always
    /// there. Put in order at the end, as joins may lose it.
    /// </summary>
    private static async Task<UsageView> ReadNearAsync(UsageDbContext database, UsageFilter filter, DateTime now, CancellationToken cancellation)
    {
        var page = database.Cut(filter, now, skipped: (filter.Page - 1) * filter.Size, count: filter.Size);
        var query =
            from head in Heads(database, filter, now)
            from row in page.DefaultIfEmpty()
            select new { Head = head, Row = row };
        var found = await query.OrderBy(f => f.Row!, filter).ToListAsync(cancellation);
        return ToView(filter, found.FirstOrDefault()?.Head ?? new Head(), found.Where(f => f.Row?.User is not null).Select(f => f.Row!));
    }

    /// <summary>Two statements of one snapshot: how many users there are tells how the page is found.</summary>
    private static async Task<UsageView> ReadFarAsync(UsageDbContext database, UsageFilter filter, DateTime now, CancellationToken cancellation)
    {
        await using var snapshot = await database.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var head = await Heads(database, filter, now).SingleOrDefaultAsync(cancellation) ?? new Head();
        var page = new FarPage(filter, head.Sums?.Users ?? 0, now);
        return ToView(page.Filter, head, await page.ReadAsync(database, cancellation));
    }

    /// <summary>What stands beside the rows, as one row.</summary>
    private static IQueryable<Head> Heads(UsageDbContext database, UsageFilter filter, DateTime now)
    {
        var windowStart = now - UsageFilterQueries.ExpiresAfter(filter.Activity);
        var inWindow = database.Totals()
            .Where(filter with { Activity = ActivityFilter.All }, now)
            .Where(u => u.Total.LastActivity >= windowStart)
            .Select(u => (DateTime?)u.Total.LastActivity);
        return
            from one in database.Set<RollupState>()
            from sums in UsageSums.Of(database, filter, now).DefaultIfEmpty()
            select new Head { Sums = sums, OldestInWindow = inWindow.OrderBy(at => at).FirstOrDefault() };
    }

    private static UsageView ToView(UsageFilter filter, Head head, IEnumerable<UserUsage> rows)
    {
        var expiry = head.OldestInWindow + UsageFilterQueries.ExpiresAfter(filter.Activity);
        return new UsageView(filter, (head.Sums ?? new()).ToSummary(), [.. rows.Select(ToRow)], expiry);
    }

    /// <summary>A user as shown.</summary>
    internal static UsageRow ToRow(UserUsage u) => new(
        u.User.Id, u.User.Name, u.User.Email, u.User.UserType, u.User.CreatedAt,
        u.Total.Requests, u.Total.Tokens, u.Total.CreditsUsed, u.Total.CreditsBought, u.Total.CostUsd, u.Total.RevenueUsd,
        u.Total.CompletedPayments, u.Total.CreditsBought - u.Total.CreditsUsed, u.Total.LastActivity == UsageTotal.Never ? null : u.Total.LastActivity);

    private sealed class Head
    {
        public UsageSums? Sums { get; init; }

        public DateTime? OldestInWindow { get; init; }
    }
}
