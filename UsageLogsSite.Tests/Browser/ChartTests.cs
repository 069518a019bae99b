using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>The chart above the list, in a real browser: asked for by a link, live, and in nobody's way.</summary>
public sealed class ChartTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_chart_that_is_asked_for_stays_and_follows_every_change()
    {
        await Database.AddUsersAsync(30);
        var ann = await Database.AddUserAsync("Ann", "internal");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?size=10");
        await window.LiveAsync();
        await window.Page.ClickAsync("#show-chart");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("chart=days"));
        await window.LiveAsync();
        await window.Page.ClickAsync("#chart-table summary");
        var today = window.Page.Locator("#chart-table tbody tr").First;
        for (var i = 1; i <= 3; i++)
        {
            await Database.AddLogAsync(ann);
            await Expect(today.Locator("td").Nth(2)).ToHaveTextAsync($"{i}");
            await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync($"{i}");
        }

        // Put together from differences, and yet what the server says as a whole.
        Assert.Equal(30, await window.Page.Locator("#chart svg g title").CountAsync());
        Assert.Equal(10, await window.Page.Locator("tr[data-user-id]").CountAsync());
        Assert.True(await window.Page.Locator("#chart-table").EvaluateAsync<bool>("d => d.open"));
        var whole = (await site.GetPageAsync("/usage?chart=days&size=10")).QuerySelectorAll("#chart g").Select(g => g.OuterHtml).ToArray();
        Assert.Equal(whole, await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('#chart g')].map(g => g.outerHTML)"));

        await window.ChooseTypeAsync("internal");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("type=internal&chart=days"));
        await Expect(today.Locator("td").Nth(1)).ToHaveTextAsync("0");
        await window.Page.ClickAsync("#show-chart");
        await Expect(window.Page.Locator("#chart")).ToHaveCountAsync(0);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_trend_chosen_in_the_menu_stays_through_filters_and_follows_changes()
    {
        await Database.AddUsersAsync(12);
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?size=10");
        await window.LiveAsync();
        await window.Page.ClickAsync("#view summary");
        await window.Page.CheckAsync("#trend");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("trend=days"));
        await window.LiveAsync();
        for (var i = 1; i <= 3; i++)
        {
            await Database.AddLogAsync(ann);
            await Expect(window.Row(ann).Locator(".trend title")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex($", 0, {i}$"));
        }

        await window.ChooseTypeAsync("external");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("type=external&trend=days"));
        await Expect(window.Page.Locator("td.trend svg")).ToHaveCountAsync(10);
        await Expect(window.Page.GetByRole(Microsoft.Playwright.AriaRole.Img, new() { NameRegex = new("^Requests a day, .*, 0, 3$") })).ToHaveCountAsync(1);
        await window.Page.UncheckAsync("#trend");
        await Expect(window.Page.Locator(".trend")).ToHaveCountAsync(0);
        Assert.Empty(window.Errors);
    }
}
