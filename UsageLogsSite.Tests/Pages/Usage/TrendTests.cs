using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>The last days of each row's user: right, and only where they are asked for.</summary>
public sealed class TrendTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Zone = "Asia/Kolkata";

    [Fact]
    public async Task Each_row_says_what_the_logs_of_its_user_say()
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || i, CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 12) i");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) SELECT u.id, 'm', now() - i * interval '7 hours' FROM users u, generate_series(0, 60) i WHERE (i + length(u.name)) % 3 > 0 AND u.name <> 'User 5'");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users, generate_series(1, 1200) WHERE name = 'User 1'");
        await using var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = Zone });
        var expected = await Database.RowsAsync($"""
            SELECT u.id, (
                SELECT string_agg(to_char(n, 'FM9,999'), ', ' ORDER BY day)
                FROM (SELECT day, count(l.id) AS n FROM generate_series((now() AT TIME ZONE '{Zone}')::date - 13, (now() AT TIME ZONE '{Zone}')::date, '1 day') day
                      LEFT JOIN usage_logs l ON l.user_id = u.id AND (l.created_at AT TIME ZONE '{Zone}')::date = day::date GROUP BY day) d)
            FROM users u ORDER BY u.id
            """);
        foreach (var query in new[] { "?trend=days", "?trend=days&period=30d&sort=cost", "?trend=days&q=user&sort=name" })
        {
            var page = await site.GetPageAsync("/usage/table" + query);
            var shown = page.QuerySelectorAll("tr[data-user-id]").ToDictionary(r => r.GetAttribute("data-user-id")!, r => r.QuerySelector("td.trend svg[role=img] title")!.TextContent.Split(": ")[1]);
            Assert.NotEmpty(shown);
            Assert.All(shown, s => Assert.Contains($"{s.Key}|{s.Value}", expected));
            Assert.Equal("Trend, 14 days", page.QuerySelector("th.trend")!.TextContent);
        }

        var plain = await site.GetPageAsync("/usage");
        Assert.Empty(plain.QuerySelectorAll(".trend"));
        Assert.Null(plain.QuerySelector("#trend[checked]"));
        Assert.NotNull((await site.GetPageAsync("/usage?trend=days")).QuerySelector("#trend[checked]"));
    }

    [Fact]
    public async Task A_widget_shows_none_whatever_its_filter_says()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var (_, widget) = await site.AddWidgetAsync(filter: "trend=days");
        Assert.Empty((await site.GetPageAsync(widget)).QuerySelectorAll(".trend, svg"));
    }
}
