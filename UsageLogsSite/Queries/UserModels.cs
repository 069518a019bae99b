using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// What users used of which model, from the logs: a day that was added up is remembered until the rollup writes its row anew, so that a
/// change costs the logs of its own day only, and writers pay nothing for it.
/// </summary>
internal sealed class UserModels
{
    /// <summary>Users remembered; then it begins anew.</summary>
    private const int Remembered = 1_000;

    /// <summary>Days remembered of a user; then only those of the last question.</summary>
    private const int RememberedDays = 100;

    // By scope, too: what was read for one is never handed to another.
    private readonly ConcurrentDictionary<(Scope Scope, Guid UserId), IReadOnlyDictionary<DateOnly, KnownDay>> _known = new();

    /// <summary>What a user used of each model on each of some days, in no order.</summary>
    /// <param name="database">The snapshot that the days were read from.</param>
    /// <param name="question">Whose, and for whom.</param>
    /// <param name="days">The days that have usage.</param>
    /// <param name="now">The clock of the days.</param>
    /// <param name="cancellation">Ends it.</param>
    internal async Task<IReadOnlyList<ModelUse>> ReadAsync(
        UsageDbContext database, UserQuestion question, IReadOnlyCollection<KeptDay> days, ReportingTime now, CancellationToken cancellation)
    {
        var key = (question.Scope, question.UserId);
        var known = _known.GetValueOrDefault(key) ?? new Dictionary<DateOnly, KnownDay>();
        var used = days.Where(d => d.Requests != 0).ToList();
        var changed = used.Where(d => known.GetValueOrDefault(d.Day)?.Version != d.Version).ToList();
        if (changed.Count > 0)
        {
            var found = (await Uses(database, question.UserId, changed.Select(d => d.Day), now).ToListAsync(cancellation)).ToLookup(u => u.Day);
            var latest = new Dictionary<DateOnly, KnownDay>(known); // other periods' days stay: several pages may be open
            foreach (var day in changed)
                latest[day.Day] = new KnownDay(day.Version, [.. found[day.Day]]);
            if (latest.Count > RememberedDays)
                latest = used.ToDictionary(d => d.Day, d => latest[d.Day]);
            if (_known.Count >= Remembered)
                _known.Clear();
            _known[key] = known = latest;
        }

        return [.. used.SelectMany(d => known[d.Day].Uses)];
    }

    /// <summary>The logs of some days added up: a range of the index for each.</summary>
    internal static IQueryable<ModelUse> Uses(UsageDbContext database, Guid userId, IEnumerable<DateOnly> days, ReportingTime now)
    {
        var names = days.ToArray();
        var starts = Array.ConvertAll(names, day => now.UtcOf(day, 0));
        var ends = Array.ConvertAll(names, day => now.UtcOf(day.AddDays(1), 0));
        return database.Database.SqlQuery<ModelUse>(
            $"""
            SELECT n.day, l.model, l.has_failed, l.requests, l.tokens, l.credits, l.cost_usd
            FROM unnest({names}, {starts}, {ends}) n (day, first, last)
            CROSS JOIN LATERAL (
                SELECT model, status = 'failed' AS has_failed, count(*) AS requests, sum(prompt_tokens::bigint + completion_tokens)::bigint AS tokens,
                       sum(credits) AS credits, sum(cost_usd) AS cost_usd
                FROM usage_logs WHERE user_id = {userId} AND created_at >= n.first AND created_at < n.last
                GROUP BY 1, 2) l
            """);
    }

    private sealed record KnownDay(long Version, IReadOnlyList<ModelUse> Uses);
}
