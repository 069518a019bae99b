using System.Diagnostics;
using System.Globalization;
using Npgsql;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>The same page by other designs, as plain SQL with the indexes that help it.</summary>
internal static class Rival
{
    /// <summary>Every user with sums of their rows.</summary>
    private const string Joined = """
        SELECT u.id, u.name, u.email, u.user_type, u.created_at, coalesce(l.requests, 0) AS requests, coalesce(l.tokens, 0) AS tokens,
               coalesce(l.credits, 0) AS credits, coalesce(p.credits, 0) AS credits_bought, coalesce(l.cost, 0) AS cost, coalesce(p.revenue, 0) AS revenue,
               coalesce(p.payments, 0) AS payments, coalesce(l.last_activity, '-infinity') AS last_activity
        FROM users u
        """;

    private const string Logs = "SELECT user_id, count(*) AS requests, sum(prompt_tokens::bigint + completion_tokens) AS tokens, sum(credits) AS credits, sum(cost_usd) AS cost, max(created_at) AS last_activity FROM usage_logs";
    private const string Purchases = "SELECT user_id, sum(credits) AS credits, sum(amount_usd) AS revenue, count(*) AS payments FROM credit_purchases WHERE status = 'completed'";

    private const string AllAtOnce = $"{Joined} LEFT JOIN ({Logs} GROUP BY user_id) l ON l.user_id = u.id LEFT JOIN ({Purchases} GROUP BY user_id) p ON p.user_id = u.id";

    /// <summary>Better where few users are left.</summary>
    private const string OneByOne =
        $"{Joined} LEFT JOIN LATERAL ({Logs} WHERE user_id = u.id GROUP BY user_id) l ON true LEFT JOIN LATERAL ({Purchases} AND user_id = u.id GROUP BY user_id) p ON true";

    private const string Sums = "SELECT count(*), count(*) FILTER (WHERE last_activity >= $1), sum(requests), sum(tokens), sum(cost), sum(revenue)";

    /// <summary>Makes indexes and the materialized view, once.</summary>
    internal static async Task PrepareAsync(string connectionString, CancellationToken cancellation)
    {
        if (await Cluster.ReadAsync<bool>(connectionString, "SELECT to_regclass('usage_report') IS NOT NULL", cancellation))
            return;
        string[] statements =
        [
            "SET maintenance_work_mem = '512MB'; CREATE INDEX rival_logs ON usage_logs (user_id) INCLUDE (created_at, prompt_tokens, completion_tokens, credits, cost_usd)",
            "CREATE INDEX rival_purchases ON credit_purchases (user_id) INCLUDE (credits, amount_usd) WHERE status = 'completed'",
            "VACUUM ANALYZE",
            $"CREATE MATERIALIZED VIEW usage_report AS {AllAtOnce}",
            "CREATE UNIQUE INDEX ON usage_report (id)",
            .. ((string[])["name", "requests", "tokens", "credits", "cost", "revenue", "last_activity"]).Select(c => $"CREATE INDEX ON usage_report ({c}, id)"),
            "CREATE INDEX ON usage_report USING gin (name gin_trgm_ops, email gin_trgm_ops)",
            "VACUUM ANALYZE usage_report",
        ];
        foreach (var statement in statements)
            await Cluster.ExecuteAsync(connectionString, statement, cancellation);
    }

    /// <summary>Refreshes the materialized view.</summary>
    /// <returns>Seconds that it took, readers shut out, and without that.</returns>
    internal static async Task<(double Alone, double Concurrently)> RefreshAsync(string connectionString, CancellationToken cancellation)
    {
        return (await SecondsAsync(""), await SecondsAsync("CONCURRENTLY"));

        async Task<double> SecondsAsync(string how)
        {
            var start = Stopwatch.GetTimestamp();
            await Cluster.ExecuteAsync(connectionString, $"REFRESH MATERIALIZED VIEW {how} usage_report", cancellation);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    /// <summary>Sums and page, aggregated from the raw rows.</summary>
    internal static string OnTheFly(UsageFilter filter)
    {
        // The sums need all that the page is picked from: it is made once.
        var source = filter.Period.On(DateOnly.FromDateTime(DateTime.UtcNow)) is { } days ? OfDays(days)
            : filter.Search.Length > 0 ? $"{OneByOne} WHERE {Search("u.")}" : AllAtOnce;
        return $"""
            WITH t AS ({source}), f AS MATERIALIZED (SELECT * FROM t WHERE {Kept(filter)})
            SELECT * FROM ({Sums} FROM f) s LEFT JOIN (SELECT * FROM f {Page(filter)}) page ON true
            """;
    }

    /// <summary>Sums and page, from the materialized view; it knows no periods.</summary>
    internal static string FromView(UsageFilter filter)
    {
        var where = filter.Search.Length > 0 ? $"{Kept(filter)} AND {Search("")}" : Kept(filter);
        return $"SELECT * FROM ({Sums} FROM usage_report WHERE {where}) s LEFT JOIN (SELECT * FROM usage_report WHERE {where} {Page(filter)}) page ON true";
    }

    /// <summary>Asks, and reads all that is answered.</summary>
    /// <param name="connection">Where to ask; statements are prepared on it.</param>
    /// <param name="sql">The question.</param>
    /// <param name="filter">What to fill in.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Milliseconds.</returns>
    internal static async Task<double> AskAsync(NpgsqlConnection connection, string sql, UsageFilter filter, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = DateTime.UtcNow - UsageFilterQueries.InactiveAfter });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = UsageFilterQueries.WindowStart(filter.Activity, DateTime.UtcNow) ?? DateTime.UnixEpoch });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"%{filter.Search}%" });
        await command.PrepareAsync(cancellation);
        var start = Stopwatch.GetTimestamp();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            // Counted as read.
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static string OfDays(DateRange days)
    {
        var within = string.Create(CultureInfo.InvariantCulture, $"created_at >= '{days.First:yyyy-MM-dd} UTC' AND created_at < '{days.Last.AddDays(1):yyyy-MM-dd} UTC'");
        return $"""
            {Joined} LEFT JOIN ({Logs} WHERE {within} GROUP BY user_id) l ON l.user_id = u.id
            LEFT JOIN ({Purchases} AND {within} GROUP BY user_id) p ON p.user_id = u.id WHERE l.requests > 0 OR p.payments > 0
            """;
    }

    private static string Search(string of) => $"({of}name ILIKE $3 OR {of}email ILIKE $3)";

    private static string Kept(UsageFilter filter)
    {
        var type = filter.Type == TypeFilter.All ? "true" : $"user_type = '{Names.Of(filter.Type)}'";
        var window = filter.Activity switch
        {
            ActivityFilter.All => "$2::timestamptz IS NOT NULL",
            ActivityFilter.Inactive => "last_activity < $2",
            _ => "last_activity >= $2",
        };
        return $"{type} AND {window} AND $3::text IS NOT NULL";
    }

    private static string Page(UsageFilter filter)
    {
        var direction = filter.Descending ? "DESC" : "ASC";
        var column = Names.Of(filter.Sort).Replace('-', '_');
        var offset = ((filter.Page - 1) * filter.Size).ToString(CultureInfo.InvariantCulture);
        return $"ORDER BY {column} {direction}, id {direction} LIMIT {filter.Size} OFFSET {offset}";
    }
}
