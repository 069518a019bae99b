using System.Data;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// The usage table of a search. In SQL, as matches that are found once are counted, ordered and listed: LINQ would search for each. How
/// to do that depends on how many there are, which nobody knows beforehand, least of all the planner.
/// </summary>
internal static class SearchTable
{
    /// <summary>From so many matches on, the table of totals is read as a whole rather than looked up for each.</summary>
    private const int Many = 5_000;

    /// <summary>Users of whom the share of matches is estimated; only how long an answer takes depends on it.</summary>
    private const int Sample = 2_000;

    private const string SumColumns = "s.users, s.active_users, s.all_requests, s.all_tokens, s.all_cost_usd, s.all_revenue_usd";

    private const string UserColumns = "u.name, u.email, u.user_type AS shown_type, u.created_at";

    private const string RowColumns = """
        r.user_id, r.name, r.email, r.shown_type AS user_type, r.created_at, coalesce(r.requests, 0) AS requests, coalesce(r.tokens, 0) AS tokens,
        coalesce(r.credits_used, 0) AS credits_used, coalesce(r.credits_bought, 0) AS credits_bought, coalesce(r.cost_usd, 0) AS cost_usd,
        coalesce(r.revenue_usd, 0) AS revenue_usd, coalesce(r.completed_payments, 0) AS completed_payments,
        coalesce(r.credits_bought - r.credits_used, 0) AS credits_left, nullif(r.last_activity, '-infinity') AS last_activity
        """;

    /// <summary>Answers a filter that has a search and no period.</summary>
    /// <param name="database">Where users and totals are kept.</param>
    /// <param name="filter">What to show.</param>
    /// <param name="now">The end of the sliding windows, in UTC.</param>
    /// <param name="cancellation">Ends the query.</param>
    internal static async Task<UsageView> ReadAsync(UsageDbContext database, UsageFilter filter, DateTime now, CancellationToken cancellation)
    {
        var found = await AskAsync(OfFew);
        if (!found[0].IsMany)
            return ToView(found[0].ToSummary());

        if (!found[0].IsMost)
        {
            found = await AskAsync((f, s, n) => OfMany(f, s, n, isMost: false));
            return ToView(found[0].ToSummary());
        }

        // The fewer others are added up, and taken away from all: of one snapshot, which two statements are not by themselves.
        await using var snapshot = await database.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var all = await UsageSums.Of(database, filter, now).SingleOrDefaultAsync(cancellation) ?? new UsageSums();
        found = await AskAsync((f, s, n) => OfMany(f, s, n, isMost: true));
        return ToView(all.ToSummary().Less(found[0].ToSummary()));

        Task<List<SearchFound>> AskAsync(Func<UsageFilter, FilterSql, DateTime, string> write)
        {
            var sql = new FilterSql(filter, now);
            return database.Database.SqlQueryRaw<SearchFound>(write(filter, sql, now), sql.Parameters).ToListAsync(cancellation);
        }

        UsageView ToView(UsageSummary summary)
        {
            var expiry = found[0].OldestInWindow + UsageFilterQueries.ExpiresAfter(filter.Activity);

            // However they were found, equal sums must be equal content: no zeros at their ends.
            var shown = summary with { CostUsd = WithoutZeros(summary.CostUsd), RevenueUsd = WithoutZeros(summary.RevenueUsd) };
            return new UsageView(filter, shown, FoundRow.ToRows(found), expiry);
        }
    }

    /// <summary>Sums and page of at most so many matches, and otherwise only that there are more.</summary>
    private static string OfFew(UsageFilter filter, FilterSql sql, DateTime now)
    {
        var (matching, start) = (sql.Matching("u"), sql.Add(now - UsageFilterQueries.ExpiresAfter(filter.Activity)));
        var kept = $"WHERE true {sql.OfType("t")} {sql.InWindow("t")}";
        return $"""
            WITH found AS MATERIALIZED (
                SELECT u.id, {UserColumns} FROM users u WHERE {matching} LIMIT {Many}
            ), known AS (
                SELECT count(*) >= {Many} AS is_many FROM found
            ), few AS MATERIALIZED (
                SELECT t.*, u.name, u.email, u.shown_type, u.created_at
                FROM found u CROSS JOIN LATERAL (SELECT * FROM usage_totals WHERE user_id = u.id OFFSET 0) t
                WHERE NOT (SELECT is_many FROM known) {sql.OfType("t")}
            ), page AS (
                SELECT * FROM few t {kept} ORDER BY {Key(filter)} {sql.Direction}, user_id {sql.Direction} {sql.Limit()}
            )
            SELECT k.is_many, k.is_many AND (
                       SELECT count(*) > {Sample / 2} FROM (SELECT search_text FROM users LIMIT {Sample}) u WHERE {matching}) AS is_most,
                   {SumColumns}, (SELECT min(last_activity) FROM few WHERE last_activity >= {start}) AS oldest_in_window, {RowColumns}
            FROM known k CROSS JOIN ({Sums(sql, now, $"few t {kept}")}) s LEFT JOIN page r ON true
            ORDER BY r.{Key(filter)} {sql.Direction}, r.user_id {sql.Direction}
            """;
    }

    /// <summary>The page, found by reading in order until it is full, and the sums of the matches, or of all others.</summary>
    private static string OfMany(UsageFilter filter, FilterSql sql, DateTime now, bool isMost)
    {
        var (matching, start) = (sql.Matching("u"), sql.Add(now - UsageFilterQueries.ExpiresAfter(filter.Activity)));
        var (ofType, kept) = (sql.OfType("t"), $"{sql.OfType("t")} {sql.InWindow("t")}");

        // Where row-level security applies, LIKE may not look at statistics, and the planner takes all matches for few: it would find all
        // of them first. Of a condition that it knows nothing of it expects half, and reads in order.
        var known = $"coalesce({matching}, false)";
        const string Joined = "usage_totals t JOIN users u ON u.id = t.user_id";
        var (key, id) = filter.Sort == UsageSort.Name ? ("u.name", "u.id") : ($"t.{Key(filter)}", "t.user_id");
        return $"""
            WITH page AS (
                SELECT t.*, {UserColumns} FROM {Joined} WHERE {known} {kept}
                ORDER BY {key} {sql.Direction}, {id} {sql.Direction} {sql.Limit()}
            )
            SELECT true AS is_many, {(isMost ? "true" : "false")} AS is_most, {SumColumns}, (
                       SELECT t.last_activity FROM {Joined} WHERE {known} AND t.last_activity >= {start} {ofType}
                       ORDER BY t.last_activity, t.user_id LIMIT 1) AS oldest_in_window, {RowColumns}
            FROM ({Sums(sql, now, $"{Joined} WHERE {(isMost ? "NOT " : "")}{matching} {kept}")}) s LEFT JOIN page r ON true
            ORDER BY r.{Key(filter)} {sql.Direction}, r.user_id {sql.Direction}
            """;
    }

    private static string Sums(FilterSql sql, DateTime now, string source) => $"""
        SELECT count(*) AS users, count(*) FILTER (WHERE t.last_activity >= {sql.Add(now - UsageFilterQueries.InactiveAfter)}) AS active_users,
               coalesce(sum(t.requests), 0)::bigint AS all_requests, coalesce(sum(t.tokens), 0)::bigint AS all_tokens,
               coalesce(sum(t.cost_usd), 0) AS all_cost_usd, coalesce(sum(t.revenue_usd), 0) AS all_revenue_usd
        FROM {source}
        """;

    private static decimal WithoutZeros(decimal amount) => amount / 1.0000000000000000000000000000m;

    private static string Key(UsageFilter filter) => filter.Sort switch
    {
        UsageSort.Name => "name",
        UsageSort.Requests => "requests",
        UsageSort.Tokens => "tokens",
        UsageSort.Credits => "credits_used",
        UsageSort.Cost => "cost_usd",
        UsageSort.Revenue => "revenue_usd",
        _ => "last_activity",
    };

    private sealed class SearchFound : FoundRow
    {
        public bool IsMany { get; init; }

        /// <summary>Whether more users match than not, as far as a sample tells.</summary>
        public bool IsMost { get; init; }
    }
}
