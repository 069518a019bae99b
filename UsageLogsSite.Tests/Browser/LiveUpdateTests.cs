using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

public sealed class LiveUpdateTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_row_inserted_by_psql_changes_the_open_page_without_a_reload()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.EvaluateAsync("window.notReloaded = true");

        await Database.PsqlAsync($"INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, cost_usd) VALUES ('{ann}', 'm', 100, 11, 0.5)");

        await Expect(window.Row(ann).Locator("td.tokens")).ToHaveTextAsync("111");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Page.Locator("#total-cost")).ToHaveTextAsync("$0.50");
        Assert.True(await window.Page.EvaluateAsync<bool>("window.notReloaded"));
        Assert.Empty(window.Errors);
        Assert.Empty(site.Logs.Errors);
    }
}
