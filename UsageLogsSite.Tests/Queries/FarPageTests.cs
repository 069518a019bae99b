using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>A page far down is found from the nearer end, and holds what counting from the first one would give.</summary>
public sealed class FarPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Users = 2_503;

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    public async Task Pages_from_either_end_are_one_list(string search)
    {
        await AddUsersAsync();

        // Not folded yet: these have no totals, and others whose delta waits have some.
        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT format('user-new-%s@example.test', i), 'User ' || i FROM generate_series(1, 900, 7) i");
        await Database.ExecuteAsync("UPDATE users SET user_type = 'external' WHERE name LIKE '%3'");
        foreach (var sort in Enum.GetValues<UsageSort>())
        {
            foreach (var isDescending in (bool[])[false, true])
            {
                var filter = new UsageFilter { Search = search, Sort = sort, Descending = isDescending, Size = 100 };
                var all = new List<UsageRow>();
                for (var page = 1; page <= (Users + 99) / 100; page++)
                    all.AddRange((await AskAsync(filter with { Page = page })).Rows);
                Assert.Equal(await IdsAsync(sort, isDescending), all.Select(r => r.UserId));
            }
        }
    }

    [Theory]
    [InlineData("internal", "all", 250)]
    [InlineData("all", "active-7d", 999)]
    [InlineData("external", "inactive", 9)]
    public async Task A_page_past_the_end_is_the_last_one_of_its_filter(string type, string activity, int users)
    {
        await AddUsersAsync();
        var view = await AskAsync(new UsageFilter
        {
            Type = Names.Parse(type, TypeFilter.All),
            Activity = Names.Parse(activity, ActivityFilter.All),
            Page = UsageFilter.MaxPage,
            Size = 10,
        });
        Assert.Equal(users, view.Summary.Users);
        Assert.Equal(view.Pages, view.Filter.Page);
        Assert.Equal(((users - 1) % 10) + 1, view.Rows.Count);
    }

    [Fact]
    public async Task Without_users_every_page_is_the_first()
    {
        var view = await AskAsync(new UsageFilter { Page = UsageFilter.MaxPage });
        Assert.Equal(1, view.Filter.Page);
        Assert.Empty(view.Rows);
    }

    [Theory]
    [InlineData(13, 1_300)]
    [InlineData(25, 103)]
    [InlineData(26, 3)]
    public async Task Nobody_who_is_skipped_is_looked_up(int page, int read)
    {
        await AddUsersAsync();
        var sql = new SentSql(Database.DataSource);
        foreach (var sort in Enum.GetValues<UsageSort>())
        {
            await new UsageTable(sql.Admin, TimeProvider.System, TimeZoneInfo.Utc).ReadAsync(new UsageFilter { Page = page, Sort = sort, Size = 100 }, Cancellation);
            var plan = await sql.ExplainAsync("ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF", "SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0");
            Assert.Matches($@"Index Only Scan.* using {(sort == UsageSort.Name ? "ix_users_name_id on users" : @"ix_usage_totals_\w+_user_id on usage_totals")} .*rows={read} loops=1", plan);
            if (sort != UsageSort.Name)
                Assert.Matches(@"pk_users on users .*rows=1 loops=(100|3)\b", plan);
        }
    }

    private Task<UsageView> AskAsync(UsageFilter filter) =>
        new UsageTable(new SentSql(Database.DataSource).Admin, TimeProvider.System, TimeZoneInfo.Utc).ReadAsync(filter, Cancellation);

    private async Task<List<Guid>> IdsAsync(UsageSort sort, bool isDescending)
    {
        var column = sort switch
        {
            UsageSort.LastActivity => "last_activity",
            UsageSort.Credits => "credits_used",
            UsageSort.Cost => "cost_usd",
            UsageSort.Revenue => "revenue_usd",
            _ => Names.Of(sort),
        };
        var direction = isDescending ? "DESC" : "ASC";
        await using var command = Database.DataSource.CreateCommand(
            $"SELECT u.id FROM users u JOIN usage_totals t ON t.user_id = u.id ORDER BY {column} {direction}, u.id {direction}");
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(Cancellation))
            ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>Users with totals and their sums, many of them equal in every column.</summary>
    private async Task AddUsersAsync()
    {
        await Database.ExecuteAsync(
            """
            INSERT INTO users (email, name, user_type)
            SELECT format('user-%s@example.test', i), 'User ' || i % 900, CASE WHEN i % 10 = 0 THEN 'internal' ELSE 'external' END
            FROM generate_series(1, $1) i
            """,
            Users);
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at)
            SELECT id, 'm', substr(email, 6, 2)::int, 1, 1, now() - (substring(email FROM '\d+')::int - 1) * interval '10 minutes' FROM users WHERE email ~ '-\d{2}'
            """);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await new UsageLogsSite.Rollup.Fold(connection, 100).RebuildAsync(Cancellation);
        await Database.ExecuteAsync("VACUUM ANALYZE usage_totals");
        await Database.ExecuteAsync("VACUUM ANALYZE users");
    }
}
