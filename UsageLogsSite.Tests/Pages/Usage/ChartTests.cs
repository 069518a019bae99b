using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>The chart above the list: right, and cheap to keep right.</summary>
public sealed class ChartTests(PostgresCluster cluster, ITestOutputHelper output) : SiteTest(cluster)
{
    [Fact]
    public async Task Days_are_what_the_logs_say_for_each_type_and_period()
    {
        await AddUsageAsync();
        await using var site = await Site.StartAsync(Database);
        foreach (var type in new[] { "all", "internal", "external" })
        {
            foreach (var (period, days) in new[] { ("all", "today - 29 AND today"), ("7d", "today - 6 AND today"), ("last-month", "date_trunc('month', today - interval '1 month') AND date_trunc('month', today) - interval '1 day'") })
            {
                var page = await site.GetPageAsync($"/usage/table?type={type}&period={period}&chart=days");
                var expected = await Database.RowsAsync($"""
                    WITH d AS (SELECT generate_series('2020-01-01'::date, (now() AT TIME ZONE 'UTC')::date, '1 day')::date AS day, (now() AT TIME ZONE 'UTC')::date AS today)
                    SELECT to_char(d.day, 'FMDD Mon YYYY'), count(u.id) FILTER (WHERE u.user_type = 'external'), count(u.id) FILTER (WHERE u.user_type = 'internal')
                    FROM d LEFT JOIN (usage_logs l JOIN users u ON u.id = l.user_id AND '{type}' IN ('all', u.user_type)) ON (l.created_at AT TIME ZONE 'UTC')::date = d.day
                    WHERE d.day BETWEEN {days} GROUP BY d.day ORDER BY d.day DESC
                    """);
                Assert.Equal(expected, page.QuerySelectorAll("#chart-table tbody tr").Select(r => string.Join('|', r.Children.Select(c => c.TextContent))));
                Assert.Equal(expected.Count, page.QuerySelectorAll("#chart svg g title").Length);
            }
        }

        Assert.Null((await site.GetPageAsync("/usage")).QuerySelector("#chart"));
    }

    [Fact]
    public async Task A_change_brings_the_bar_of_its_day_and_names_the_others()
    {
        await AddUsageAsync();
        var ann = await Database.AddUserAsync("Ann");

        // Not today's is the highest bar: that one would change the height of all.
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) SELECT $1, 'm', now() - interval '9 days' FROM generate_series(1, 500)", ann);
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site, "?size=10&chart=days");
        await stream.NextAsync();
        var (before, _) = await AskAsync(site, "none");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, 'm')", ann);
        await Eventually.TrueAsync(async () => (await AskAsync(site, before)).ETag != before, "the change is read");
        using var answer = await SendAsync(site, before);
        Assert.Equal(HttpStatusCode.IMUsed, answer.StatusCode);
        var html = await (await SendAsync(site, before, packed: false)).Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("<g id=\"bars\" data-same></g>", html, StringComparison.Ordinal);
        Assert.Contains("<tbody id=\"days\" data-same></tbody>", html, StringComparison.Ordinal);
        Assert.Single(html.Split("<title>").Skip(1));
        var bytes = (await answer.Content.ReadAsByteArrayAsync(Cancellation)).Length;
        output.WriteLine($"an update of 10 rows with the chart: {bytes} B without headers");
        Assert.InRange(bytes, 1, 1_600);
    }

    private static async Task<(string ETag, HttpStatusCode Status)> AskAsync(Site site, string known)
    {
        using var answer = await SendAsync(site, known);
        return (answer.Headers.ETag?.ToString() ?? known, answer.StatusCode);
    }

    private static async Task<HttpResponseMessage> SendAsync(Site site, string known, bool packed = true)
    {
        using var visit = new Visit(site.Address, site.Cookie);
        return await visit.GetAsync("/usage/table?size=10&chart=days", ("HX-Request", "true"), ("If-None-Match", known), ("A-IM", "usage-rows"), ("Accept-Encoding", packed ? "br" : "identity"), ("Sec-Fetch-Site", "same-origin"));
    }

    private async Task AddUsageAsync()
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || i, CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 20) i");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, created_at) SELECT u.id, 'm', 1, now() - i * i * interval '1 hour' - interval '5 minutes' FROM users u, generate_series(0, 35) i WHERE (i + length(u.name)) % 3 > 0");
    }
}
