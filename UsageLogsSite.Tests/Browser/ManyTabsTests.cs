using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

public sealed class ManyTabsTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Many_windows_of_one_browser_all_load_and_all_stay_right()
    {
        const int Windows = 8;
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamsPerClient"] = "4" });
        await using var first = await chromium.OpenAsync(site);
        await first.LiveAsync();
        var pages = new List<Microsoft.Playwright.IPage> { first.Page };
        while (pages.Count < Windows)
        {
            var page = await first.Context.NewPageAsync();
            await page.GotoAsync("/usage?sort=cost");
            pages.Add(page);
        }

        await Database.AddLogAsync(ann);

        // Four are pushed; the others poll.
        foreach (var page in pages)
            await Expect(page.Locator("#total-requests")).ToHaveTextAsync("1", new() { Timeout = 30_000 });
        foreach (var page in pages)
            await Expect(page.Locator("#problem")).ToBeEmptyAsync();
    }
}
