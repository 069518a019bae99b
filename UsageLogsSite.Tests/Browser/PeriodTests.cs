using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

public sealed class PeriodTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_reader_chooses_a_period_and_keeps_the_other_filters()
    {
        var ann = await Database.AddUserAsync("Ann");
        var bob = await Database.AddUserAsync("Bob");
        await Database.AddLogAsync(ann, 1);
        await Database.AddLogAsync(ann, 2, DateTime.UtcNow.AddDays(-100));
        await Database.AddLogAsync(bob, 4, DateTime.UtcNow.AddDays(-100));
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?type=external&sort=cost");
        await window.LiveAsync();
        await Expect(window.Page.Locator("#total-cost")).ToHaveTextAsync("$7.00");
        await window.Page.SelectOptionAsync("select[name=period]", "30d");
        await Expect(window.Page.Locator("#total-cost")).ToHaveTextAsync("$1.00");
        await Expect(window.Row(bob)).ToHaveCountAsync(0);
        Assert.EndsWith("/usage?type=external&period=30d&sort=cost", window.Page.Url, StringComparison.Ordinal);
        await Expect(window.Page.Locator("#dates")).ToContainTextAsync("in UTC");

        // The new view is followed: a change of this moment shows in it.
        await window.LiveAsync();
        await Database.AddLogAsync(bob, 8);
        await Expect(window.Row(bob).Locator("td.cost")).ToHaveTextAsync("$8.00");
        await Expect(window.Page.Locator("#total-cost")).ToHaveTextAsync("$9.00");
        Assert.Empty(window.Errors);
    }
}
