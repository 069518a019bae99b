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
                var plan = await sql.ExplainAsync();
                Assert.Contains("ix_users_name_email", plan, StringComparison.Ordinal);
                Assert.DoesNotContain("Seq Scan on users", plan, StringComparison.Ordinal);
                if (found > 0)
                    Assert.Matches(@"Sort Key: \(\(u\d?\.user_id <> u\d?\.id\)\)", plan);
            }
        }
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
        return await new UsageTable(sql, TimeProvider.System, TimeZoneInfo.Utc).ReadAsync(filter, Cancellation);
    }

    /// <summary>Users with totals as the fold makes them, the first the newest.</summary>
    private async Task<SentSql> AddUsersAsync(int count = Users)
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT format('u-%s@example.test', i), 'User ' || i FROM generate_series(1, $1) i", count);
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_totals
            SELECT id, user_type, 1, 1, 1, 1, 1, 1, 1, now() - substr(name, 6)::int * interval '1 minute' FROM users;
            ANALYZE;
            """);
        return new SentSql(Database.DataSource);
    }
}
