using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>A page far from the first one: found from the nearer end, which the number of users tells.</summary>
internal sealed class FarPage
{
    /// <summary>Rows that a query may skip at next to no cost.</summary>
    private const int Far = 1_000;

    private readonly long _users;
    private readonly DateTime _now;

    /// <param name="filter">What to show; a page past the end becomes the last page.</param>
    /// <param name="users">How many users the filter keeps in this snapshot.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    internal FarPage(UsageFilter filter, long users, DateTime now)
    {
        _users = users;
        _now = now;
        Filter = filter with { Page = (int)Math.Clamp((users + filter.Size - 1) / filter.Size, 1, filter.Page) };
    }

    /// <summary>What is shown.</summary>
    internal UsageFilter Filter { get; }

    /// <summary>Whether a page is to be found this way.</summary>
    internal static bool IsFar(UsageFilter filter) => (filter.Page - 1) * filter.Size >= Far;

    /// <summary>Reads the rows, from the nearer end of the list.</summary>
    internal async Task<IEnumerable<UserUsage>> ReadAsync(UsageDbContext database, CancellationToken cancellation)
    {
        var before = (Filter.Page - 1L) * Filter.Size;
        var count = (int)Math.Min(Filter.Size, _users - before);
        if (count <= 0)
            return [];
        var after = _users - before - count;
        if (before <= after)
            return await Rows(database, Filter, (int)before, count).ToListAsync(cancellation);
        var backwards = await Rows(database, Filter with { Descending = !Filter.Descending }, (int)after, count).ToListAsync(cancellation);
        return Enumerable.Reverse(backwards);
    }

    private IQueryable<UserUsage> Rows(UsageDbContext database, UsageFilter filter, int skipped, int count) =>
        database.Cut(filter, _now, skipped, count).OrderBy(u => u, filter);
}
