using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

public sealed class SearchTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Users = 5_000;

    [Fact]
    public async Task A_search_reads_only_what_its_index_finds()
    {
        var sql = await AddUsersAsync(30_000);
        foreach (var (search, found) in new[] { ("User 4321", 1), ("-4321@EXAMPLE", 1), ("R 4321@", 0), ("4_321", 0), ("no such user", 0) })
        {
            foreach (var sort in Enum.GetValues<UsageSort>())
            {
                Assert.Equal(found, (await AskAsync(sql, new UsageFilter { Search = search, Sort = sort })).Summary.Users);
                var plan = await sql.ExplainAsync("ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
                Assert.Contains("ix_users_search_text", plan, StringComparison.Ordinal);
                Assert.Matches($@"pk_usage_totals on usage_totals \((actual rows=1 loops={found}|never executed)\)", plan);
                Assert.DoesNotMatch(@"Seq Scan on \w+( \w+)? \(actual", plan);
            }
        }
    }

    [Theory]
    [InlineData("z", 300)]
    [InlineData("z", 5_900)]
    [InlineData("z", 6_100)]
    [InlineData("z", 11_900)]
    [InlineData("z", 12_000)]
    public async Task However_many_match_sums_and_pages_are_those_of_the_raw_tables(string search, int matches)
    {
        await Database.ExecuteAsync(
            """
            INSERT INTO users (email, name, user_type) SELECT format('u-%s@example.test', i), CASE WHEN i % 12000 < $1 THEN 'Z' ELSE 'A' END || i % 700, CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END
            FROM (SELECT i * 7919 % 12000 AS i FROM generate_series(1, 12000) i) i
            """,
            matches);
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at)
            SELECT id, 'm', length(name), 1, 0.0001 * length(email), now() - substr(name, 2)::int * interval '2 hours' FROM users WHERE name NOT LIKE '%7'
            """);
        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
            await new UsageLogsSite.Rollup.Fold(connection, 100).RebuildAsync(Cancellation);
        await Database.ExecuteAsync("ANALYZE; INSERT INTO users (email, name) VALUES ('no-totals-yet@example.test', 'Z')");
        foreach (var filter in new[] { new UsageFilter(), new UsageFilter { Type = TypeFilter.Internal }, new UsageFilter { Activity = ActivityFilter.Active7D }, new UsageFilter { Activity = ActivityFilter.Inactive, Type = TypeFilter.External } })
        {
            foreach (var sort in Enum.GetValues<UsageSort>().Where(s => filter == new UsageFilter() || s is UsageSort.Cost or UsageSort.LastActivity))
            {
                var asked = filter with { Search = search, Sort = sort, Page = sort == UsageSort.Cost ? 3 : 1, Size = 100, Descending = sort != UsageSort.Tokens };
                await AssertRawAsync(asked);
            }
        }
    }

    [Theory]
    [InlineData("ŁUKASZ", 1)]
    [InlineData("łukasz ŹDŹ", 1)]
    [InlineData("ÉCOLE", 1)]
    [InlineData("ecole", 0)]
    [InlineData("100%", 1)]
    [InlineData("0%_", 1)]
    [InlineData(@"_", 1)]
    [InlineData(@"\", 0)]
    [InlineData("źdźbłol@", 0)]
    [InlineData("źdźbło\nl@", 0)]
    [InlineData("źdźbło l@", 0)]
    [InlineData("l@EXAMPLE", 1)]
    public async Task A_search_is_for_letters_of_any_language_in_one_field(string search, int found)
    {
        await Database.ExecuteAsync(
            @"INSERT INTO users (email, name) VALUES ('l@example.test', 'Łukasz Źdźbło'), ('e@ÉCOLE.test', ''), ('p@other.test', '100%_'), ('P_x@other.test', 'École'); DELETE FROM users WHERE name = 'École'");
        await Database.ExecuteAsync("INSERT INTO usage_totals SELECT id, user_type, 1, 1, 1, 1, 1, 1, 1, now() FROM users");
        var sql = new SentSql(Database.DataSource);
        var parsed = UsageFilter.Parse(new Microsoft.AspNetCore.Http.QueryCollection(new Dictionary<string, Microsoft.Extensions.Primitives.StringValues> { ["q"] = search }));
        Assert.Equal(found, (await AskAsync(sql, parsed)).Summary.Users);
        Assert.Equal(found, (await AskAsync(sql, parsed)).Rows.Count);
    }

    [Theory]
    [InlineData("4", 2_084)]
    [InlineData("99", 95)]
    [InlineData("R ", Users)]
    [InlineData("%", 0)]
    [InlineData("_", 0)]
    [InlineData(@"\_", 0)]
    [InlineData("999", 5)]
    [InlineData("-", Users)]
    public async Task A_search_of_any_length_finds_all_that_contain_it(string search, int found)
    {
        var sql = await AddUsersAsync();
        Assert.Equal(found, (await AskAsync(sql, new UsageFilter { Search = search })).Summary.Users);
    }

    [Theory]
    [InlineData("name", "User 1239")]
    [InlineData("last-activity", "User 123")]
    public async Task A_search_keeps_the_order_in_both_directions(string sort, string last)
    {
        var sql = await AddUsersAsync();
        var filter = new UsageFilter { Search = "user 123", Sort = Names.Parse(sort, UsageSort.Cost), Size = 10 };
        var down = await AskAsync(sql, filter with { Descending = true });
        var up = await AskAsync(sql, filter with { Descending = false });
        Assert.Equal(last, down.Rows[0].Name);
        Assert.Equal(11, up.Summary.Users);
        Assert.Equal(up.Rows.Skip(1).Select(r => r.Name).Reverse(), down.Rows.Skip(1).Select(r => r.Name));
    }

    private static async Task<UsageView> AskAsync(SentSql sql, UsageFilter filter)
    {
        sql.Clear();
        return await new UsageTable(sql.Admin, TimeProvider.System, TimeZoneInfo.Utc).ReadAsync(filter, Cancellation);
    }

    /// <summary>Compares with an aggregation of the raw tables of those who have totals.</summary>
    private async Task AssertRawAsync(UsageFilter filter)
    {
        var view = await AskAsync(new SentSql(Database.DataSource), filter);
        var column = filter.Sort switch
        {
            UsageSort.LastActivity => "coalesce(last, '-infinity')",
            UsageSort.Name => "name",
            _ => Names.Of(filter.Sort),
        };
        var direction = filter.Descending ? "DESC" : "ASC";
        var all = $"""
            WITH kept AS (
                SELECT u.id, u.name, coalesce(last > now() - interval '30 days', false) AS active, l.*, 0 AS revenue
                FROM users u JOIN usage_totals t ON t.user_id = u.id CROSS JOIN LATERAL (
                    SELECT max(created_at) AS last, count(*) AS requests, coalesce(sum(prompt_tokens), 0) AS tokens, coalesce(sum(credits), 0) AS credits, coalesce(sum(cost_usd), 0) AS cost
                    FROM usage_logs WHERE user_id = u.id) l
                WHERE (name ILIKE '%{filter.Search}%' OR email ILIKE '%{filter.Search}%') AND ({filter.Type == TypeFilter.All} OR u.user_type = '{Names.Of(filter.Type)}'))
            SELECT * FROM kept WHERE {filter.Activity switch { ActivityFilter.All => "true", ActivityFilter.Inactive => "NOT active", _ => "last > now() - interval '7 days'" }}
            """;
        var s = view.Summary;
        Assert.Equal(
            (await Database.RowsAsync($"SELECT count(*), count(*) FILTER (WHERE active), sum(requests), sum(tokens), trim_scale(sum(cost)) FROM ({all}) a")).Single(),
            FormattableString.Invariant($"{s.Users}|{s.ActiveUsers}|{s.Requests}|{s.Tokens}|{s.CostUsd}"));
        Assert.Equal(
            await Database.RowsAsync($"SELECT id FROM ({all}) a ORDER BY {column} {direction}, id {direction} LIMIT 100 OFFSET {(view.Filter.Page - 1) * 100}"),
            view.Rows.Select(r => r.UserId.ToString()));
    }

    /// <summary>Users with totals as the fold makes them, the first the newest.</summary>
    private async Task<SentSql> AddUsersAsync(int count = Users)
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT format('u-%s@example.test', i), 'User ' || i FROM generate_series(1, $1) i", count);
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_totals
            SELECT id, user_type, 1, 1, 1, 1, 1, 1, 1, now() - substr(name, 6)::int * interval '1 minute' FROM users;
            INSERT INTO usage_activity
            SELECT user_type, coalesce(hour, 'infinity'), count(*), sum(requests), sum(tokens), sum(cost_usd), sum(revenue_usd)
            FROM usage_totals, LATERAL (SELECT date_trunc('hour', last_activity, 'UTC') AS hour) h GROUP BY user_type, ROLLUP (hour);
            ANALYZE;
            """);
        return new SentSql(Database.DataSource);
    }
}
