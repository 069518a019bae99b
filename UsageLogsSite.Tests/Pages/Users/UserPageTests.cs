using System.Globalization;
using AngleSharp.Dom;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Users;

/// <summary>One user's page against the raw tables: what was used of which model, what was bought, and which logs a filter keeps.</summary>
public sealed class UserPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string[] Models = ["alpha", "beta", "<b>gamma</b>", "Ω delta", "epsilon 'x'"];

    [Fact]
    public async Task Logs_are_kept_by_model_status_and_period_page_by_page_and_in_the_file()
    {
        var (ann, site) = await StartAsync();
        await using var _ = site;
        foreach (var period in new[] { "all", "7d", "month" })
        {
            foreach (var model in Models.Append("none of these").Prepend(""))
            {
                foreach (var status in new[] { "all", "succeeded", "failed" })
                {
                    var query = $"?period={period}&model={Uri.EscapeDataString(model)}&status={status}&size=10";
                    var expected = await Database.RowsAsync($"""
                        SELECT id FROM usage_logs WHERE user_id = '{ann}' AND ('{model.Replace("'", "''", StringComparison.Ordinal)}' IN ('', model)) AND '{status}' IN ('all', status)
                          AND ({In(period)}) ORDER BY created_at DESC, id DESC
                        """);
                    Assert.Equal(expected, await PagesAsync(site, $"/users/{ann}/table{query}"));
                    using var file = await site.GetAsync($"/users/{ann}/export.csv{query}", site.Cookie);
                    Assert.Equal(expected, (await file.Content.ReadAsStringAsync(Cancellation)).TrimEnd().Split('\n').Skip(1).Select(line => line.Split(',')[0]));
                }
            }
        }
    }

    [Theory]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task Models_and_days_are_what_the_logs_say_after_every_change(AccountRole role)
    {
        var (ann, site) = await StartAsync();
        await using var _ = site;
        var cookie = await site.SignInAsync(role, role == AccountRole.Member ? ann : null);
        var path = role == AccountRole.Member ? "/usage" : $"/users/{ann}";
        await AssertAsync();
        foreach (var change in new[]
        {
            $"INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd) VALUES ('{ann}', 'alpha', 5, 1, 0.5)",
            $"UPDATE usage_logs SET model = 'beta' WHERE user_id = '{ann}' AND model = 'alpha' AND created_at > now() - interval '3 days'", // sums stay as they are
            $"UPDATE usage_logs SET status = 'failed' WHERE user_id = '{ann}' AND model = 'Ω delta'",
            $"UPDATE usage_logs SET created_at = created_at - interval '1 day' WHERE user_id = '{ann}' AND model = 'beta'",
            $"DELETE FROM usage_logs WHERE user_id = '{ann}' AND created_at > now() - interval '5 days' AND status = 'failed'",
            $"DELETE FROM usage_logs WHERE user_id = '{ann}'",
        })
        {
            await Database.ExecuteAsync(change);
            await site.FoldedAsync();
            await AssertAsync();
        }

        async Task AssertAsync()
        {
            var page = await PageAsync(site, path, cookie);
            Assert.Equal(
                await Database.RowsAsync($"""
                    SELECT model, count(*), sum(prompt_tokens + completion_tokens), trim_scale(round(sum(cost_usd), 2)) FROM usage_logs
                    WHERE user_id = '{ann}' AND {In("30d")} GROUP BY model ORDER BY 2 DESC, model COLLATE "C"
                    """),
                page.QuerySelectorAll("#models tbody tr").Select(r => string.Join('|', r.Children.Where((_, i) => i is 0 or 1 or 2 or 4).Select((c, i) => i == 0 ? c.TextContent : Number(c.TextContent)))));
            Assert.Equal(
                await Database.RowsAsync($"""
                    SELECT to_char(d, 'FMDD Mon YYYY'), count(l.id), count(*) FILTER (WHERE l.status = 'failed')
                    FROM generate_series((now() AT TIME ZONE 'UTC')::date - 29, (now() AT TIME ZONE 'UTC')::date, '1 day') d
                    LEFT JOIN usage_logs l ON l.user_id = '{ann}' AND (l.created_at AT TIME ZONE 'UTC')::date = d GROUP BY d ORDER BY d DESC
                    """),
                page.QuerySelectorAll("#chart-table tbody tr").Select(r => string.Join('|', r.Children.Take(3).Select((c, i) => i == 0 ? c.TextContent : Number(c.TextContent)))));
        }
    }

    [Fact]
    public async Task Many_models_are_told_as_a_few_and_all_others()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens) SELECT $1, 'model ' || lpad(i::text, 3, '0'), 1 FROM generate_series(1, 300) i, generate_series(1, 1 + 300 / i) n", ann);
        await using var site = await Site.StartAsync(Database);
        var page = await PageAsync(site, $"/users/{ann}", site.Cookie);
        var rows = page.QuerySelectorAll("#models tbody tr").Select(r => (r.Children[0].TextContent, Number(r.Children[1].TextContent))).ToList();
        Assert.Equal(8, rows.Count);
        Assert.Equal(("model 001", "301"), rows[0]);
        Assert.Equal("All others", rows[^1].TextContent);
        Assert.Equal(await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"), rows.Sum(r => long.Parse(r.Item2, CultureInfo.InvariantCulture)));
        Assert.InRange(page.QuerySelectorAll("select[name=model] option").Length, 10, 101);
    }

    [Fact]
    public async Task Purchases_and_the_balance_follow_what_was_bought()
    {
        var (ann, site) = await StartAsync();
        await using var _ = site;
        for (var i = 0; i < 8; i++)
            await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status, created_at) VALUES ($1, $2, 100, $3, now() - $2 * interval '1 day')", ann, i, i % 2 == 0 ? "completed" : "failed");
        var member = await site.SignInAsync(AccountRole.Member, ann);
        await site.FoldedAsync();

        var few = await PageAsync(site, "/usage", member);
        Assert.Equal(["0", "1", "2", "3", "4"], few.QuerySelectorAll("#purchases .amount").Select(a => Number(a.TextContent)));
        var all = await PageAsync(site, few.QuerySelector("#all-purchases")!.GetAttribute("href")!, member);
        Assert.Equal(8, all.QuerySelectorAll("#purchases tbody tr").Length);
        Assert.Equal("400", all.QuerySelector("#balance span")!.TextContent);

        // Only what touches a completed payment wakes a page; one that waits is seen with whatever comes next.
        await Database.AddPurchaseAsync(ann, 77, "pending");
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'refunded' WHERE user_id = $1 AND amount_usd = 0", ann);
        await site.FoldedAsync();
        var after = await PageAsync(site, "/usage", member);
        Assert.Equal(["pending", "refunded"], after.QuerySelectorAll("#purchases .standing").Take(2).Select(s => s.GetAttribute("data-status")));
        Assert.Equal("300", after.QuerySelector("#balance span")!.TextContent);
        Assert.Equal(
            await Database.RowsAsync($"SELECT trim_scale(300 - sum(credits)) FROM usage_logs WHERE user_id = '{ann}'"),
            [after.QuerySelector("#credits-left data")!.GetAttribute("value")!]);
    }

    private async Task<(Guid Ann, Site Site)> StartAsync()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(await Database.AddUserAsync("Bob"));
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, status, created_at)
            SELECT $1, ($2::text[])[1 + i * i % 5], i, 2 * i, i * 0.5, i * 0.01, CASE WHEN i % 7 = 0 THEN 'failed' ELSE 'succeeded' END, now() - i * interval '17 hours' - interval '10 minutes'
            FROM generate_series(0, 60) i
            """,
            ann, Models);
        return (ann, await Site.StartAsync(Database));
    }

    /// <summary>The ids of all pages' logs.</summary>
    private static async Task<List<string>> PagesAsync(Site site, string address)
    {
        var ids = new List<string>();
        for (var next = address; next is not null;)
        {
            var page = await PageAsync(site, next, site.Cookie);
            ids.AddRange(page.QuerySelectorAll("tr[data-log-id]").Select(r => r.GetAttribute("data-log-id")!));
            next = page.QuerySelector("#next")?.GetAttribute("hx-get");
        }

        return ids;
    }

    private static async Task<IDocument> PageAsync(Site site, string address, string cookie)
    {
        using var visit = new Visit(site.Address, cookie);
        return await visit.PageAsync(address);
    }

    private static string Number(string text) =>
        decimal.TryParse(text.Replace("$", "", StringComparison.Ordinal), NumberStyles.Number, CultureInfo.InvariantCulture, out var number)
            ? number.ToString("0.############", CultureInfo.InvariantCulture) : text;

    private static string In(string period) => period switch
    {
        "7d" => "(created_at AT TIME ZONE 'UTC')::date > (now() AT TIME ZONE 'UTC')::date - 7",
        "30d" => "(created_at AT TIME ZONE 'UTC')::date > (now() AT TIME ZONE 'UTC')::date - 30",
        "month" => "date_trunc('month', created_at AT TIME ZONE 'UTC') = date_trunc('month', now() AT TIME ZONE 'UTC')",
        _ => "true",
    };
}
