using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A reader who wants to be asked sees how many updates there are, and rows change when they say so.</summary>
public sealed class AskFirstTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Rows_stay_the_count_grows_and_Apply_shows_all_by_keyboard_alone()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.FocusAsync("#hold input");
        await window.Page.Keyboard.PressAsync("Space");
        await window.UntilAsync("localStorage.getItem('usage-ask-first') === '1'"); // its script has come
        var updates = window.Page.Locator("#updates");
        var requests = window.Row(ann).Locator("td.requests");
        await window.SeenAsync();

        await Database.AddLogAsync(ann);
        await Expect(updates).ToHaveTextAsync("1 update");
        await Database.AddLogAsync(ann);
        await Expect(updates).ToHaveTextAsync("2 updates");
        await Expect(requests).ToHaveTextAsync("0");
        await Expect(window.Page.Locator("#updates + [role=status]")).ToHaveTextAsync("1 update"); // the next is told of later
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Expect(window.Page.Locator("#live-status")).ToContainTextAsync("rows as of");
        Assert.Equal(0, window.Requests("/usage/table"));
        Assert.Empty(await window.SeenAsync());

        await window.Page.Keyboard.PressAsync("Shift+Tab");
        await Expect(window.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Apply" })).ToBeFocusedAsync();
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(requests).ToHaveTextAsync("2");
        await Expect(updates).ToBeEmptyAsync();
        await Expect(window.Page.Locator("#apply")).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#hold input")).ToBeFocusedAsync();
        await Expect(window.Page.Locator("#live-status")).ToHaveTextAsync("Live");

        // Once applied, it asks again.
        await Database.AddLogAsync(ann);
        await Expect(updates).ToHaveTextAsync("1 update");
        await Expect(requests).ToHaveTextAsync("2");
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task It_is_remembered_and_off_again_updates_come_by_themselves()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.CheckAsync("#hold input");
        await window.UntilAsync("localStorage.getItem('usage-ask-first') === '1'"); // its script has come
        await window.Page.ReloadAsync();
        await window.LiveAsync();
        await Expect(window.Page.Locator("#hold input")).ToBeCheckedAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");

        await window.Page.UncheckAsync("#hold input");
        var requests = window.Row(ann).Locator("td.requests");
        await Expect(requests).ToHaveTextAsync("1");
        await Expect(window.Page.Locator("#updates")).ToBeEmptyAsync();
        await Database.AddLogAsync(ann);
        await Expect(requests).ToHaveTextAsync("2");
    }

    [Fact]
    public async Task What_the_reader_asks_for_comes_at_once_with_all_updates()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.CheckAsync("#hold input");
        await window.UntilAsync("localStorage.getItem('usage-ask-first') === '1'");
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await window.ChooseTypeAsync("external");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Page.Locator("#updates")).ToBeEmptyAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    [Fact]
    public async Task Without_a_stream_the_page_asks_and_still_changes_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.CheckAsync("#hold input");
        await window.UntilAsync("localStorage.getItem('usage-ask-first') === '1'");
        await window.Page.RouteAsync("**/usage/events**", route => route.FulfillAsync(new() { Status = 429 }));
        await window.Page.ReloadAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update", new() { Timeout = 40_000 });
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("0");
        await window.Page.ClickAsync("#apply");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }
}
