using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

/// <summary>Days and hours are exact whatever moves a row from one to another, in any zone.</summary>
public sealed class PeriodTotalsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    /// <summary>Hours on both sides of what happens to clocks: the last Sundays of March and October in Berlin, November in New York.</summary>
    private const string Moments =
        """
        SELECT m + s FROM unnest(ARRAY['2026-03-29 01:00+00', '2026-10-25 01:00+00', '2026-11-01 06:00+00', '2026-03-31 18:30+00', '1970-01-01 12:00+00',
                                       '1986-01-01 00:00+05:45', '1972-01-07 00:44:30+00', '2199-12-30 12:00+00']::timestamptz[]) m,
                           unnest(ARRAY['-3 h', '-80 min', '-60 min', '-45 min', '-20 min', '-1 us', '0', '1 us', '20 min', '45 min', '60 min', '80 min', '3 h']::interval[]) s
        """;

    [Theory]
    [InlineData("UTC")]
    [InlineData("Europe/Berlin")]
    [InlineData("America/New_York")]
    [InlineData("Asia/Kolkata")]
    [InlineData("Asia/Kathmandu")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("Africa/Monrovia")]
    public async Task Rows_that_change_their_time_user_or_existence_are_counted_where_they_are(string zone)
    {
        await AddUsersAsync();
        await using var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = zone });
        Assert.Equal(zone, await Database.ScalarAsync<string>("SELECT time_zone FROM rollup_state"));
        string[] changes =
        [
            $"INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at) SELECT u.id, 'm', 3, 0.5, 0.0000000001, m FROM users u, ({Moments}) s (m)",
            $"INSERT INTO credit_purchases (user_id, amount_usd, credits, status, created_at) SELECT u.id, 7.25, 3, 'completed', m FROM users u, ({Moments}) s (m)",
            "INSERT INTO credit_purchases (user_id, amount_usd, status, created_at) SELECT id, 0, 'completed', '2026-05-05' FROM users",
            "UPDATE usage_logs SET created_at = created_at + interval '1 hour'",
            "UPDATE usage_logs SET created_at = created_at + interval '40 years' WHERE created_at < '1971-01-01'",
            "UPDATE usage_logs SET user_id = (SELECT id FROM users ORDER BY id LIMIT 1) WHERE random() < 0.3",
            "UPDATE credit_purchases SET created_at = created_at - interval '45 min', user_id = (SELECT max(id::text)::uuid FROM users) WHERE created_at > '2000-01-01'",
            "UPDATE users SET user_type = CASE user_type WHEN 'internal' THEN 'external' ELSE 'internal' END WHERE random() < 0.5",
            "UPDATE usage_logs SET created_at = created_at + interval '1 day', cost_usd = 2; UPDATE users SET user_type = 'internal'; UPDATE usage_logs SET credits = 9",
            "DELETE FROM usage_logs WHERE random() < 0.5",
            "UPDATE credit_purchases SET status = 'refunded' WHERE random() < 0.5",
            "BEGIN; DELETE FROM usage_logs; DELETE FROM credit_purchases; DELETE FROM users WHERE user_type = 'internal'; COMMIT",
        ];
        foreach (var change in changes)
        {
            await Database.ExecuteAsync(change);
            await site.FoldedAsync();
            await Totals.AssertExactAsync(Database);
        }

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_days) + (SELECT count(*) FROM usage_hours)"));
    }

    [Fact]
    public async Task A_table_that_is_truncated_leaves_no_day_behind()
    {
        await AddUsersAsync();
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users");
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, status) SELECT id, 1, 'completed' FROM users");
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("TRUNCATE usage_logs");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_days"));
        await Database.ExecuteAsync("TRUNCATE users CASCADE");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_days) + (SELECT count(*) FROM usage_hours)"));
    }

    [Fact]
    public async Task Another_zone_at_the_next_start_makes_days_and_hours_anew()
    {
        await AddUsersAsync();
        var user = await Database.ScalarAsync<Guid>("SELECT id FROM users LIMIT 1");
        await Database.AddLogAsync(user, at: new DateTime(2026, 6, 30, 23, 30, 0, DateTimeKind.Utc));
        await using (var site = await Site.StartAsync(Database))
            Assert.Equal(["2026-06-30"], await DaysAsync());
        await Database.AddLogAsync(user, at: new DateTime(2026, 6, 30, 10, 30, 0, DateTimeKind.Utc));
        await using (var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = "Asia/Kolkata" }))
        {
            await Eventually.TrueAsync(() => site.Logs.Count(2006) > 0, "the zone is changed");
            await Totals.AssertExactAsync(Database);
            Assert.Equal(["2026-06-30", "2026-07-01"], await DaysAsync());
            Assert.Equal(["2026-06-30 10:30", "2026-06-30 23:30"], await Database.RowsAsync("SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM usage_hours ORDER BY 1"));
        }

        await using var same = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = "Asia/Kolkata" });
        await Database.AddLogAsync(user);
        await same.FoldedAsync();
        Assert.Equal(0, same.Logs.Count(2006));
        await Totals.AssertExactAsync(Database);
    }

    [Theory]
    [InlineData("UPDATE usage_days SET tokens = tokens + 1", "usage_days", "tokens")]
    [InlineData("UPDATE usage_days SET day = day - 1", "usage_days", "row")]
    [InlineData("DELETE FROM usage_hours", "usage_hours", "row")]
    [InlineData("UPDATE usage_hours SET revenue_usd = 0.0000000001 + revenue_usd", "usage_hours", "revenue_usd")]
    public async Task A_check_finds_days_and_hours_that_differ_and_a_rebuild_repairs_them(string damage, string table, string column)
    {
        await AddUsersAsync();
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users");
        await using (await Site.StartAsync(Database))
            await Totals.AssertExactAsync(Database);
        await Database.ExecuteAsync(damage);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        var differences = await new TotalsCheck(connection, TimeProvider.System).DifferencesAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Contains(differences, d => d.Table == table && d.Column == column);
        await new Fold(connection, 100).RebuildAsync(Cancellation);
        await Totals.AssertExactAsync(Database);
    }

    private Task<int> AddUsersAsync() => Database.ExecuteAsync(
        "INSERT INTO users (email, user_type) SELECT i || '@example.test', CASE WHEN i % 2 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 6) i");

    private Task<List<string>> DaysAsync() => Database.RowsAsync("SELECT day::text FROM usage_days ORDER BY day");
}
