using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What must be shown, from the raw tables and by a query of its own.</summary>
/// <param name="Sums">What stands above the rows.</param>
/// <param name="Page">The rows of the page, in order.</param>
/// <param name="All">The rows of all pages, in order.</param>
internal sealed record Oracle(List<string> Sums, List<string> Page, List<string> All)
{
    private const string Usage = """
        SELECT user_id, created_at AS at, 1 AS r, prompt_tokens + completion_tokens AS t, credits AS cu, 0 AS cb, cost_usd AS c, 0 AS a FROM usage_logs
        UNION ALL SELECT user_id, created_at, 0, 0, 0, credits, 0, amount_usd FROM credit_purchases WHERE status = 'completed'
        """;

    /// <summary>The list of users; a page past the end is the last one.</summary>
    internal static async Task<Oracle> OfTableAsync(PostgresDatabase database, PrincipalsTests.TableFilter filter)
    {
        var window = filter.Activity switch
        {
            "active-24h" => "l.last >= now() - interval '24 hours'",
            "active-7d" => "l.last >= now() - interval '7 days'",
            "active-30d" => "l.last >= now() - interval '30 days'",
            "inactive" => "coalesce(l.last < now() - interval '30 days', true)",
            _ => "true",
        };
        var key = filter.Sort switch
        {
            "name" => "u.name",
            "requests" => "coalesce(x.r, 0)",
            "tokens" => "coalesce(x.t, 0)",
            "credits" => "coalesce(x.cu, 0)",
            "cost" => "coalesce(x.c, 0)",
            "revenue" => "coalesce(x.a, 0)",
            _ => "coalesce(l.last, '-infinity')",
        };
        var search = filter.Search.Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
        var direction = filter.Descending ? "DESC" : "ASC";
        var found = $"""
            SELECT u.id, coalesce(x.r, 0) AS r, coalesce(x.t, 0) AS t, trim_scale(coalesce(x.cu, 0)) AS cu, trim_scale(coalesce(x.cb, 0)) AS cb,
                   trim_scale(coalesce(x.c, 0)) AS c, trim_scale(coalesce(x.a, 0)) AS a, row_number() OVER (ORDER BY {key} {direction}, u.id {direction}) AS place
            FROM users u
            LEFT JOIN (SELECT user_id, sum(r) r, sum(t) t, sum(cu) cu, sum(cb) cb, sum(c) c, sum(a) a FROM ({Usage}) y WHERE {In(filter.Period, "y.at")} GROUP BY user_id) x ON x.user_id = u.id
            CROSS JOIN LATERAL (SELECT max(created_at) AS last FROM usage_logs WHERE user_id = u.id) l
            WHERE ('{filter.Type}' = 'all' OR u.user_type = '{filter.Type}') AND {window}
              AND (u.name ILIKE '%{search}%' OR u.email ILIKE '%{search}%') AND ('{filter.Period}' = 'all' OR x.user_id IS NOT NULL)
            """;
        var sums = await database.RowsAsync($"SELECT count(*), coalesce(sum(r), 0), coalesce(sum(t), 0), trim_scale(coalesce(sum(c), 0)), trim_scale(coalesce(sum(a), 0)) FROM ({found}) f");
        var all = await database.RowsAsync($"SELECT id, r, t, cu, cb, c, a FROM ({found}) f ORDER BY place");
        var page = Math.Clamp((all.Count + filter.Size - 1) / filter.Size, 1, filter.Page);
        return new Oracle([.. sums.Single().Split('|')], [.. all.Skip((page - 1) * filter.Size).Take(filter.Size)], all);
    }

    /// <summary>One user's own usage.</summary>
    internal static async Task<Oracle> OfUserAsync(PostgresDatabase database, Guid user, PrincipalsTests.TableFilter filter, string? before)
    {
        var sums = await database.RowsAsync($"""
            SELECT coalesce(sum(r), 0), coalesce(sum(t), 0), trim_scale(coalesce(sum(c), 0)), trim_scale(coalesce(sum(cu), 0)), trim_scale(coalesce(sum(a), 0))
            FROM ({Usage}) y WHERE user_id = '{user}' AND {In(filter.Period, "y.at")}
            """);
        var place = before?.Split('-');
        var after = place is null ? "true" : $"(created_at, id) < ('epoch'::timestamptz + {place[0]} * interval '1 microsecond', '{place[1]}'::uuid)";
        return new Oracle([.. sums.Single().Split('|')], await LogsAsync($"AND {after} ORDER BY created_at DESC, id DESC LIMIT {filter.Size}"), await LogsAsync("ORDER BY created_at DESC, id DESC"));

        Task<List<string>> LogsAsync(string which) => database.RowsAsync($"""
            SELECT id, prompt_tokens, completion_tokens, trim_scale(credits), trim_scale(cost_usd) FROM usage_logs
            WHERE user_id = '{user}' AND {In(filter.Period, "created_at")} {which}
            """);
    }

    /// <summary>Whether a time is in a period, in UTC.</summary>
    private static string In(string period, string at)
    {
        var day = $"({at} AT TIME ZONE 'UTC')::date";
        const string Today = "(now() AT TIME ZONE 'UTC')::date";
        return period switch
        {
            "today" => $"{day} = {Today}",
            "7d" => $"{day} BETWEEN {Today} - 6 AND {Today}",
            "30d" => $"{day} BETWEEN {Today} - 29 AND {Today}",
            "month" => $"date_trunc('month', {day}) = date_trunc('month', {Today})",
            "last-month" => $"date_trunc('month', {day}) = date_trunc('month', {Today}) - interval '1 month'",
            _ => "true",
        };
    }
}
