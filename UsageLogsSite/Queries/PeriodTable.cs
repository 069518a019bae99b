using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// The usage table of a period. In SQL, as its users are counted, ordered and listed from one aggregation: LINQ would repeat it for
/// each. Only the column that orders is added up for all users, the others for those of the page. Where their last activity tells who
/// used anything, nothing is added up for the others at all.
/// </summary>
internal static class PeriodTable
{
    private const string PageColumns = """
        r.user_id, u.name, u.email, u.user_type, u.created_at, coalesce(d.requests, 0) AS requests, coalesce(d.tokens, 0) AS tokens,
        coalesce(d.credits_used, 0) AS credits_used, coalesce(d.credits_bought, 0) AS credits_bought, coalesce(d.cost_usd, 0) AS cost_usd,
        coalesce(d.revenue_usd, 0) AS revenue_usd, coalesce(t.completed_payments, 0) AS completed_payments,
        coalesce(t.credits_bought - t.credits_used, 0) AS credits_left, nullif(t.last_activity, '-infinity') AS last_activity
        """;

    /// <summary>Answers a filter that has a period.</summary>
    /// <param name="database">Where days and hours are kept.</param>
    /// <param name="filter">What to show.</param>
    /// <param name="dates">The period's days.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    /// <param name="cancellation">Ends the query.</param>
    internal static async Task<UsageView> ReadAsync(
        UsageDbContext database, UsageFilter filter, PeriodDates dates, ReportingTime now, CancellationToken cancellation)
    {
        var query = new Statement(filter, dates, now);
        var found = await database.Database.SqlQueryRaw<PeriodFound>(query.Sql, query.Parameters).ToListAsync(cancellation);
        var sums = found[0];
        var shown = new PeriodShown(dates.Days, now.ZoneId, query.Compares ? sums.Compare(dates.BeforeName!) : null);
        return new UsageView(filter, sums.ToSummary(), FoundRow.ToRows(found), query.NextExpiry(sums.OldestInWindow), shown);
    }

    /// <summary>All users that a filter with a period keeps, in its order, one after the other as the database finds them.</summary>
    internal static IAsyncEnumerable<UsageRow> StreamAll(UsageDbContext database, UsageFilter filter, PeriodDates dates, ReportingTime now)
    {
        var query = new Statement(filter with { Page = 1, Size = int.MaxValue }, dates, now);
        return database.Database.SqlQueryRaw<PeriodFound>(query.Sql, query.Parameters).AsAsyncEnumerable().Where(f => f.UserId is not null).Select(f => f.ToRow());
    }

    private sealed class Statement
    {
        private readonly UsageFilter _filter;
        private readonly PeriodDates _dates;
        private readonly ReportingTime _now;
        private readonly FilterSql _sql;

        internal Statement(UsageFilter filter, PeriodDates dates, ReportingTime now)
        {
            _filter = filter;
            _dates = dates;
            _now = now;
            _sql = new FilterSql(filter, now.Utc);
            Sql = Write();
        }

        internal string Sql { get; }

        internal object[] Parameters => _sql.Parameters;

        /// <summary>Whether the users are picked by more than the period and their type, so that hours do not know their sums.</summary>
        private bool PicksUsers => _filter.Search.Length > 0 || _filter.Activity != ActivityFilter.All;

        internal bool Compares => !PicksUsers && _dates.Compared is not null;

        /// <summary>
        /// Whoever used anything in a period that runs was last active in it or later, and totals are ordered by that. Not so where
        /// figures of the period order the page, which have to be added up anyway.
        /// </summary>
        private bool IsToldByActivity => _dates.IsRunning && !PicksUsers && !IsOrderedByDays;

        private bool IsOrderedByDays => _filter.Sort is not (UsageSort.LastActivity or UsageSort.Name);

        internal DateTime? NextExpiry(DateTime? oldestInWindow)
        {
            DateTime?[] all =
            [
                _dates.Expiry,
                Compares && _dates.IsRunning ? _now.HourStart.AddHours(1) : null,
                oldestInWindow + UsageFilterQueries.WindowLength(_filter.Activity),
            ];
            return all.Min();
        }

        private string Write()
        {
            var (first, last) = (_sql.Add(_dates.Days.First), _sql.Add(_dates.Days.Last));
            var whole = HoursUntil.Through(_dates.Days);
            var compared = Compares ? _dates.Compared!.Value : (Now: whole, Before: whole);
            return $"""
                WITH {(IsToldByActivity ? UsersByActivity(first, last) : UsersByDays(first, last))}
                SELECT s.users, s.active_users, a.requests AS all_requests, a.tokens AS all_tokens, a.cost_usd AS all_cost_usd, a.revenue_usd AS all_revenue_usd,
                       n.requests AS now_requests, n.tokens AS now_tokens, n.cost_usd AS now_cost_usd, n.revenue_usd AS now_revenue_usd,
                       b.requests AS before_requests, b.tokens AS before_tokens, b.cost_usd AS before_cost_usd, b.revenue_usd AS before_revenue_usd,
                       {OldestInWindow()} AS oldest_in_window, {PageColumns}
                FROM sums s
                CROSS JOIN ({(PicksUsers ? $"SELECT {SumsOf("k")} FROM used k" : SumsOfHours(whole))}) a
                CROSS JOIN ({(Compares ? SumsOfHours(compared.Now) : NoSums)}) n
                CROSS JOIN ({(Compares ? SumsOfHours(compared.Before) : NoSums)}) b
                LEFT JOIN page r ON true
                LEFT JOIN users u ON u.id = r.user_id
                LEFT JOIN usage_totals t ON t.user_id = r.user_id
                LEFT JOIN LATERAL (
                    SELECT {SumsOf("d")}, sum(d.credits_used) AS credits_used, sum(d.credits_bought) AS credits_bought
                    FROM generate_series(0, {_sql.Add(_dates.Days.Length - 1)}) i JOIN usage_days d ON d.day = {first} + i AND d.user_id = r.user_id
                ) d ON true
                ORDER BY r.key {_sql.Direction}, r.user_id {_sql.Direction}
                """;
        }

        /// <summary>Counts and orders the users of the period's days.</summary>
        private string UsersByDays(string first, string last) => $"""
            used AS MATERIALIZED (
                SELECT d.user_id, bool_or(d.requests > 0) AS is_active{Keyed()}{(PicksUsers ? ", " + SumsOf("d") : "")}
                FROM usage_days d {Joins()}
                WHERE d.day BETWEEN {first} AND {last} {Conditions()}
                GROUP BY d.user_id
            ), sums AS (
                SELECT count(*) AS users, count(*) FILTER (WHERE is_active) AS active_users FROM used
            ), page AS MATERIALIZED (
                {(IsOrderedByDays ? $"SELECT user_id, key FROM used ORDER BY key {_sql.Direction}, user_id {_sql.Direction}" : Ordered($"WHERE {InUsed}"))}
                {_sql.Limit()}
            )
            """;

        // As a plain IN it would become a join of all, and a sort; so users are read in order until the page is full.
        private const string InUsed = "coalesce(t.user_id IN (SELECT user_id FROM used), false)";

        /// <summary>
        /// Counts and orders the users by their last activity, and adds those who only bought something, and those whose last activity is
        /// later than the period if they have days in it.
        /// </summary>
        private string UsersByActivity(string first, string last)
        {
            var (startTime, endTime) = (_now.UtcOf(_dates.Days.First, 0), _now.UtcOf(_dates.Days.Last.AddDays(1), 0));
            var (start, end, firstHour) = (_sql.Add(startTime), _sql.Add(endTime), _sql.Add(UsageSums.FirstWholeHour(startTime)));
            var (ofTotals, ofHours) = (_sql.OfType("t"), _sql.OfType("h"));
            var upToPage = _sql.Add(_filter.Page * (long)_filter.Size);
            var otherKey = _filter.Sort == UsageSort.Name ? "(SELECT u.name FROM users u WHERE u.id = o.user_id)" : "o.last_activity";
            return $"""
                others AS MATERIALIZED (
                    SELECT t.user_id, t.last_activity, false AS is_active
                    FROM usage_totals t
                    WHERE t.last_activity < {start} {ofTotals} AND t.user_id IN (
                        SELECT d.user_id FROM usage_days d WHERE d.day BETWEEN {first} AND {last} AND d.completed_payments <> 0)
                    UNION ALL
                    SELECT t.user_id, t.last_activity, bool_or(d.requests > 0)
                    FROM usage_totals t CROSS JOIN generate_series({first}::timestamp, {last}, '1 day') i JOIN usage_days d ON d.day = i::date AND d.user_id = t.user_id
                    WHERE t.last_activity >= {end} {ofTotals}
                    GROUP BY t.user_id
                ), sums AS (
                    SELECT (k.users + count(o.user_id))::bigint AS users, (k.users + count(*) FILTER (WHERE o.is_active))::bigint AS active_users
                    FROM (SELECT coalesce((SELECT sum(h.users) FROM usage_activity h WHERE h.hour >= {firstHour} AND h.hour < 'infinity' {ofHours}), 0)
                                 + (SELECT count(*) FROM usage_totals t WHERE t.last_activity >= {start} AND t.last_activity < {firstHour} {ofTotals})
                                 - (SELECT count(*) FROM usage_totals t WHERE t.last_activity >= {end} {ofTotals}) AS users) k LEFT JOIN others o ON true
                    GROUP BY k.users
                ), page AS MATERIALIZED (
                    SELECT user_id, key FROM (
                        ({Ordered($"WHERE t.last_activity >= {start} AND t.last_activity < {end} {ofTotals}")} LIMIT {upToPage})
                        UNION ALL
                        (SELECT o.user_id, {otherKey} FROM others o ORDER BY 2 {_sql.Direction}, 1 {_sql.Direction} LIMIT {upToPage})
                    ) k
                    ORDER BY key {_sql.Direction}, user_id {_sql.Direction} {_sql.Limit()}
                )
                """;
        }

        /// <summary>Users in the order of a column that is not the period's.</summary>
        private string Ordered(string where) => _filter.Sort == UsageSort.Name
            ? $"SELECT t.user_id, u.name AS key FROM usage_totals t JOIN users u ON u.id = t.user_id {where} ORDER BY u.name {_sql.Direction}, u.id {_sql.Direction}"
            : $"SELECT t.user_id, t.last_activity AS key FROM usage_totals t {where} ORDER BY t.last_activity {_sql.Direction}, t.user_id {_sql.Direction}";

        private const string NoSums = "SELECT 0::bigint AS requests, 0::bigint AS tokens, 0::numeric AS cost_usd, 0::numeric AS revenue_usd";

        private static string SumsOf(string table) => $"""
            coalesce(sum({table}.requests), 0)::bigint AS requests, coalesce(sum({table}.tokens), 0)::bigint AS tokens,
            coalesce(sum({table}.cost_usd), 0) AS cost_usd, coalesce(sum({table}.revenue_usd), 0) AS revenue_usd
            """;

        private string SumsOfHours(HoursUntil hours)
        {
            var (first, last) = (_sql.Add(hours.First), _sql.Add(hours.Last));
            return $"""
                SELECT {SumsOf("h")} FROM usage_hours h
                WHERE h.day BETWEEN {first} AND {last} AND (h.day < {last} OR h.hour < {_sql.Add(hours.End)}) {_sql.OfType("h")}
                """;
        }

        /// <summary>How the figure that orders the page is added up. Rows that add nothing are passed over: to add numbers of any length takes time.</summary>
        private string Keyed() => _filter.Sort switch
        {
            UsageSort.Name or UsageSort.LastActivity => "",
            UsageSort.Requests => ", coalesce(sum(d.requests), 0) AS key",
            UsageSort.Tokens => ", coalesce(sum(d.tokens), 0) AS key",
            UsageSort.Credits => ", coalesce(sum(d.credits_used) FILTER (WHERE d.requests <> 0), 0) AS key",
            UsageSort.Cost => ", coalesce(sum(d.cost_usd) FILTER (WHERE d.requests <> 0), 0) AS key",
            _ => ", coalesce(sum(d.revenue_usd) FILTER (WHERE d.completed_payments <> 0), 0) AS key",
        };

        private string Joins() => string.Join(
            ' ',
            _filter.Type != TypeFilter.All || _filter.Activity != ActivityFilter.All ? "JOIN usage_totals t ON t.user_id = d.user_id" : "",
            _filter.Search.Length > 0 ? "JOIN users u ON u.id = d.user_id" : "");

        private string Conditions() => $"{_sql.OfType("t")} {_sql.InWindow("t")} {(_filter.Search.Length > 0 ? "AND " + _sql.Matching("u") : "")}";

        /// <summary>Who is the next to leave the window, or to enter it for the inactive; users beyond the filter only cost an early look.</summary>
        private string OldestInWindow() => UsageFilterQueries.WindowStart(_filter.Activity, _now.Utc) is { } start
            ? $"(SELECT w.last_activity FROM usage_totals w WHERE w.last_activity >= {_sql.Add(start)} {_sql.OfType("w")} ORDER BY w.last_activity LIMIT 1)"
            : "NULL::timestamptz";
    }
}
