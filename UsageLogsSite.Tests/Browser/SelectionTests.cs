using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Rows do not change under a text that is being selected.</summary>
public sealed class SelectionTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Updates_wait_while_text_in_the_table_is_selected_and_come_when_it_is_not()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await SelectAsync(window, window.Row(ann).Locator(".email"));
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("2 updates");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("0");
        Assert.NotEmpty(await window.Page.EvaluateAsync<string>("getSelection().toString()"));

        await window.Page.Locator("h1").ClickAsync();
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("2");
        await Expect(window.Page.Locator("#updates")).ToBeEmptyAsync();
        await Database.AddLogAsync(ann); // and from then on by themselves
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("3");
        await Expect(window.Page.Locator("#updates")).ToBeEmptyAsync();
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task What_is_on_its_way_when_the_selection_begins_waits_too()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var (asked, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        await window.Page.RouteAsync("**/usage/table**", async route =>
        {
            asked.TrySetResult();
            await held.Task;
            await route.ContinueAsync();
        });
        await Database.AddLogAsync(ann);
        await asked.Task;
        await SelectAsync(window, window.Row(ann).Locator(".email"));
        held.SetResult();
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("0");
        await window.Page.EvaluateAsync("getSelection().empty()");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    [Fact]
    public async Task A_selection_elsewhere_holds_nothing_and_a_pause_outlasts_one()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await SelectAsync(window, window.Page.Locator("h1"));
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");

        await window.Page.CheckAsync("#hold input");
        await SelectAsync(window, window.Row(ann).Locator(".email"));
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await window.Page.EvaluateAsync("getSelection().empty()");
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("2 updates");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    /// <summary>As a hand does it; ready when the page's script has heard of it.</summary>
    private static async Task SelectAsync(Window window, Microsoft.Playwright.ILocator text)
    {
        await text.DblClickAsync(new() { Position = new() { X = 12, Y = 9 } });
        Assert.NotEmpty(await window.Page.EvaluateAsync<string>("getSelection().toString()"));
        await window.Page.EvaluateAsync("import('/js/ask.js').then(() => null)");
    }
}
