using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// Requests of each user of a page on each of the last days. From the days that the rollup keeps, whose key begins with the day: one look in
/// its index for each day and user, so that it grows with the page and with nothing else.
/// </summary>
internal static class UsageTrend
{
    /// <summary>Today, and the days before it.</summary>
    internal const int Days = 14;

    /// <summary>The same rows with their trends; who used nothing has one of zeros.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal static async Task<IReadOnlyList<UsageRow>> AddAsync(
        UsageDbContext database, IReadOnlyList<UsageRow> rows, ReportingTime now, CancellationToken cancellation)
    {
        var days = Enumerable.Range(0, Days).Select(i => now.Today.AddDays(i + 1 - Days)).ToArray();
        var found = await Requests(database, [.. rows.Select(r => r.UserId)], days).ToDictionaryAsync(f => (f.UserId, f.Day), f => f.Requests, cancellation);
        return [.. rows.Select(row => row with { Trend = new UserTrend(days[^1], [.. days.Select(day => found.GetValueOrDefault((row.UserId, day)))]) })];
    }

    /// <summary>What was used on which of these days by which of these users.</summary>
    private static IQueryable<UsedOnDay> Requests(UsageDbContext database, Guid[] users, DateOnly[] days) =>
        database.Database.SqlQuery<UsedOnDay>(
            $"""
            SELECT d.user_id, d.day, d.requests
            FROM unnest({users}) u CROSS JOIN unnest({days}) n
            CROSS JOIN LATERAL (SELECT user_id, day, requests FROM usage_days WHERE day = n AND user_id = u LIMIT 1) d
            """);

    private sealed class UsedOnDay
    {
        public Guid UserId { get; init; }

        public DateOnly Day { get; init; }

        public long Requests { get; init; }
    }
}

/// <summary>How much a user has used lately.</summary>
/// <param name="Last">The last of the days, in the reporting time zone.</param>
/// <param name="Requests">Requests of each day, oldest first.</param>
internal sealed record UserTrend(DateOnly Last, IReadOnlyList<long> Requests)
{
    /// <summary>Equal figures are the same trend: rows are compared to tell what has changed.</summary>
    public bool Equals(UserTrend? other) => other is not null && Last == other.Last && Requests.SequenceEqual(other.Requests);

    /// <inheritdoc />
    public override int GetHashCode() => Requests.Aggregate(Last.GetHashCode(), HashCode.Combine);
}
