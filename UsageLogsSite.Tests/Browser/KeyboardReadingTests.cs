using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>From the sign-in down to one response and back to its place, without a mouse.</summary>
public sealed class KeyboardReadingTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Email = "ann@example.test";
    private const string Password = "correct horse battery";

    [Fact]
    public async Task A_reader_signs_in_searches_filters_sorts_and_pages_to_one_log_and_comes_back()
    {
        await Database.AddUsersAsync(30, "internal");
        await Database.AddUsersAsync(5);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status, created_at) SELECT id, 'large', 'failed', now() - interval '1 hour' FROM users");
        await using var site = await Site.StartAsync(Database, new() { ["Admin:Email"] = Email, ["Admin:Password"] = Password });
        await using var window = await chromium.OpenAsync(site, cookie: "");
        var (page, keys) = (window.Page, new Keys(window));
        var rows = page.Locator("#usage-table tbody tr");

        await keys.TabToAsync("[name=Email]");
        await keys.TypeAsync(Email);
        await keys.TabToAsync("[name=Password]");
        await keys.TypeAsync(Password);
        await keys.PressAsync("Enter", () => Expect(page).ToHaveURLAsync(new Regex("/usage$")));
        await window.LiveAsync();

        await keys.PressAsync("/", () => Expect(page.Locator("#search")).ToBeFocusedAsync());
        await keys.TypeAsync("user 0");
        await Expect(page).ToHaveURLAsync(new Regex("q=user"));
        await keys.TabToAsync("[name=type]:checked", backwards: true);
        await keys.PressAsync("ArrowRight", () => Expect(page).ToHaveURLAsync(new Regex("type=internal")));
        await keys.TabToAsync("select[name=activity]");
        await keys.TypeAsync("Active in 7");
        await Expect(page).ToHaveURLAsync(new Regex("activity=active-7d"));
        await keys.PressAtAsync("select[name=size]", "ArrowUp", () => Expect(rows).ToHaveCountAsync(10));
        await keys.PressAtAsync("#sort-name", "Enter", () => Expect(page.Locator("th[aria-sort=ascending] #sort-name")).ToBeFocusedAsync());
        await keys.PressAtAsync("#next", "Enter", () => Expect(page.Locator("#page-2[aria-current]")).ToBeVisibleAsync());
        await keys.PressAsync("Enter", () => Expect(page.Locator("#page-3[aria-current]")).ToBeFocusedAsync()); // there is no next one

        var focused = page.Locator("tr:focus .name");
        await keys.PressAsync("j", () => Expect(focused).ToHaveTextAsync("User 021"));
        await keys.PressAsync("j", () => Expect(focused).ToHaveTextAsync("User 022"));
        await keys.PressAsync("k", () => Expect(focused).ToHaveTextAsync("User 021"));
        await keys.PressAsync("Enter", () => Expect(page.Locator("h1")).ToHaveTextAsync("User 021"));
        await window.LiveAsync();

        rows = page.Locator("tr[data-log-id]");
        await Expect(rows).ToHaveCountAsync(2);
        await keys.TabToAsync("select[name=model]");
        await keys.TypeAsync("large");
        await Expect(rows).ToHaveCountAsync(1);
        await keys.PressAtAsync("tr[data-log-id] a", "Enter", () => Expect(page.Locator("#log .model")).ToHaveTextAsync("large"));
        await keys.PressAtAsync("#back", "Enter", () => Expect(page).ToHaveURLAsync(new Regex(@"\?model=large#log-")));
        await window.LiveAsync();
        await page.Keyboard.PressAsync("Tab"); // goes on from where the reader was
        await Expect(page.Locator("tr[data-log-id] a")).ToBeFocusedAsync();
        await keys.PressAtAsync(".crumb a", "Enter", () => Expect(page).ToHaveURLAsync(new Regex("/usage$")));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Who_had_the_focus_in_a_row_that_goes_is_left_near_it()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc");
        await window.LiveAsync();
        var (page, keys) = (window.Page, new Keys(window));
        await page.Keyboard.PressAsync("j");
        await keys.PressAsync("j", () => Expect(page.Locator("tr:focus .name")).ToHaveTextAsync("User 002"));
        await Database.ExecuteAsync("DELETE FROM usage_logs WHERE user_id = (SELECT id FROM users WHERE name = 'User 002')");
        await Database.ExecuteAsync("DELETE FROM users WHERE name = 'User 002'");
        await Expect(page.Locator("tr[data-user-id]")).ToHaveCountAsync(2);
        await Expect(page.Locator("tr:focus-within .name")).ToHaveTextAsync("User 001");
        await keys.PressAsync("j", () => Expect(page.Locator("tr:focus .name")).ToHaveTextAsync("User 003"));
        Assert.Empty(window.Errors);
    }
}
