using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Whole ways through the site without a mouse.</summary>
public sealed class KeyboardTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_user_is_searched_found_opened_decided_about_and_left_by_keys_alone()
    {
        await Database.AddUsersAsync(30);
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var keyboard = window.Page.Keyboard;
        await PressAsync("/", () => Expect(window.Page.Locator("#search")).ToBeFocusedAsync());
        await keyboard.TypeAsync("ann?/jkr"); // typed, not obeyed
        await Expect(window.Page.Locator("#search")).ToHaveValueAsync("ann?/jkr");
        await Expect(window.Page.Locator("#keys")).ToHaveCountAsync(0);
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("ann");
        await Expect(window.Page.Locator("tbody tr")).ToHaveCountAsync(1);
        await keyboard.PressAsync("Tab"); // out of the field
        await keyboard.PressAsync("Tab");
        await PressAsync("j", () => Expect(window.Row(ann)).ToBeFocusedAsync());
        Assert.NotEqual("none", await window.Row(ann).EvaluateAsync<string>("e => getComputedStyle(e).outlineStyle"));
        await keyboard.PressAsync("Enter");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex($"/users/{ann}$"));
        await window.LiveAsync();

        await window.Page.FocusAsync("#about summary");
        await keyboard.PressAsync("Enter");
        await keyboard.PressAsync("Tab");
        await Expect(window.Page.Locator("#change-type")).ToBeFocusedAsync();
        await Expect(window.Page.Locator("#decisions")).ToBeAttachedAsync(); // its script has come
        await keyboard.PressAsync("Space");
        await Expect(window.Page.Locator("#decisions")).ToContainTextAsync("is internal now");
        await window.Page.FocusAsync(".crumb a");
        await keyboard.PressAsync("Enter");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/usage$"));
        Assert.Empty(window.Errors);

        async Task PressAsync(string key, Func<Task> expected)
        {
            await keyboard.PressAsync(key);
            await expected();
        }
    }

    [Fact]
    public async Task Rows_are_walked_and_the_place_is_kept_while_they_change()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc");
        await window.LiveAsync();
        var focused = window.Page.Locator("tr:focus .name");
        await window.Page.Keyboard.PressAsync("j");
        await Expect(focused).ToHaveTextAsync("User 001");
        await window.Page.Keyboard.PressAsync("j");
        await window.Page.Keyboard.PressAsync("j");
        await Expect(focused).ToHaveTextAsync("User 003");
        await window.Page.Keyboard.PressAsync("k");
        await Expect(focused).ToHaveTextAsync("User 002");

        var second = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 002'");
        await Database.AddLogAsync(second);
        await Expect(window.Row(second).Locator("td.requests")).ToHaveTextAsync("2");
        await Database.AddUserAsync("User 000"); // all rows move by one
        await Expect(window.Page.Locator("tbody tr").First).ToContainTextAsync("User 000");
        await Expect(focused).ToHaveTextAsync("User 002");
        await window.Page.Keyboard.PressAsync("k");
        await Expect(focused).ToHaveTextAsync("User 001");

        var asked = window.Requests("/usage/table");
        await window.Page.Keyboard.PressAsync("Control+j");
        await window.Page.Keyboard.PressAsync("r");
        await Eventually.TrueAsync(() => Task.FromResult(window.Requests("/usage/table") == asked + 1), "r asks once");
        await Expect(focused).ToHaveTextAsync("User 001");
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Help_opens_over_any_page_lists_the_keys_and_gives_the_focus_back()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/account");
        await window.Page.FocusAsync("#everywhere");
        await window.Page.Keyboard.PressAsync("?");
        var dialog = window.Page.GetByRole(Microsoft.Playwright.AriaRole.Dialog, new() { Name = "Keyboard" });
        await Expect(dialog).ToBeVisibleAsync();
        await Expect(dialog.Locator("dt")).ToHaveCountAsync(7);
        await window.Page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#everywhere")).ToBeFocusedAsync();
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Keys_can_be_turned_off_on_all_pages()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.FocusAsync("#view summary");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.Page.FocusAsync("#view [name=keys]");
        await window.Page.RunAndWaitForResponseAsync(() => window.Page.Keyboard.PressAsync("Space"), r => r.Url.Contains("handler=View", StringComparison.Ordinal));
        await window.Page.Keyboard.PressAsync("/");
        await Expect(window.Page.Locator("#view [name=keys]")).ToBeFocusedAsync();
        await window.Page.GotoAsync("/account");
        await Expect(window.Page.Locator("body")).ToHaveAttributeAsync("data-keys", "off");
        await window.Page.Keyboard.PressAsync("?");
        await Eventually.TrueAsync(() => Task.FromResult(window.Requests("/js/keys.js") > 0), "its script has come");
        await Expect(window.Page.Locator("#keys")).ToHaveCountAsync(0);
    }
}
