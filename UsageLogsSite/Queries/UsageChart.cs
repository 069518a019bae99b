using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// Requests of all users by day and type: of the filter's period, or of the last 30 days. From the hours that the rollup keeps, which know nothing of
/// single users: a search and an activity do not narrow it.
/// </summary>
internal static class UsageChart
{
    /// <summary>Days where no period says which.</summary>
    private const int DefaultDays = 30;

    /// <summary>The days of a filter's chart, oldest first, without gaps.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static async Task<IReadOnlyList<ChartDay>> ReadAsync(
        UsageDbContext database, UsageFilter filter, ReportingTime now, CancellationToken cancellation)
    {
        var range = filter.Period.On(now.Today) ?? new DateRange(now.Today.AddDays(1 - DefaultDays), now.Today);
        var found = await Days(database, filter, range).ToListAsync(cancellation);
        return
        [
            .. Enumerable.Range(0, range.Length).Select(range.First.AddDays)
                .Select(day => new ChartDay(day, Sum(day, UserType.External), Sum(day, UserType.Internal))),
        ];

        long Sum(DateOnly day, UserType type) => found.Where(f => f.Day == day && f.UserType == type).Sum(f => f.Requests);
    }

    /// <summary>The sums of each day and type of a range: one range of the table's key.</summary>
    internal static IQueryable<UsageHour> Days(UsageDbContext database, UsageFilter filter, DateRange range)
    {
        var hours = database.UsageHours.Where(h => h.Day >= range.First && h.Day <= range.Last);
        if (filter.Type != TypeFilter.All)
        {
            var type = filter.Type == TypeFilter.Internal ? UserType.Internal : UserType.External;
            hours = hours.Where(h => h.UserType == type);
        }

        return hours.GroupBy(h => new { h.Day, h.UserType })
            .Select(g => new UsageHour { Day = g.Key.Day, UserType = g.Key.UserType, Requests = g.Sum(h => h.Requests) });
    }
}

/// <summary>A day of the chart above the list of users.</summary>
/// <param name="Day">The calendar day in the reporting time zone.</param>
/// <param name="External">Requests of customers.</param>
/// <param name="Internal">Requests of staff.</param>
internal sealed record ChartDay(DateOnly Day, long External, long Internal);
