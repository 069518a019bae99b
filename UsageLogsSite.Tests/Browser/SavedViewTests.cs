using System.Text.RegularExpressions;
using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Saved views where filters change without a new page.</summary>
public sealed class SavedViewTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task What_is_shown_is_saved_opened_changed_and_renamed_by_keys_alone()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var (page, keyboard) = (window.Page, window.Page.Keyboard);
        var (name, changed) = (page.Locator("#view-name"), page.Locator("#views summary [data-changed]"));
        await page.FocusAsync("input[name=type]:checked");
        await keyboard.PressAsync("ArrowRight");
        await keyboard.PressAsync("ArrowRight");
        await Expect(page).ToHaveURLAsync(new Regex("type=external$"));

        await page.FocusAsync("#views summary");
        await keyboard.PressAsync("Enter");
        await TabToAsync("name");
        await keyboard.TypeAsync("Customers /j?"); // typed, not obeyed
        await keyboard.PressAsync("Enter");
        await Expect(name).ToHaveTextAsync("Customers /j?");
        await Expect(page).ToHaveURLAsync(new Regex("/usage\\?type=external$"));
        Assert.Equal("?type=external", await Database.ScalarAsync<string>("SELECT query FROM saved_views"));
        await window.LiveAsync();

        await Expect(changed).ToBeHiddenAsync();
        await page.FocusAsync("#search");
        await keyboard.TypeAsync("user 00");
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(9);
        await Expect(changed).ToBeVisibleAsync();
        await page.FocusAsync("#views summary");
        await keyboard.PressAsync("Space");
        await TabToAsync("change");
        await keyboard.PressAsync("Enter");
        await Expect(changed).ToBeHiddenAsync();
        await Expect(page).ToHaveURLAsync(new Regex("q=user"));
        Assert.Equal("?type=external&q=user%2000", await Database.ScalarAsync<string>("SELECT query FROM saved_views"));
        await window.LiveAsync();

        // Away by hand, and back by the menu.
        await page.FocusAsync("#views summary");
        await keyboard.PressAsync("Enter");
        await TabToAsync("Everything");
        await keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new Regex("/usage$"));
        await Expect(name).ToBeEmptyAsync();
        await page.FocusAsync("#views summary");
        await keyboard.PressAsync("Enter");
        await TabToAsync("Customers");
        await keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Searchbox)).ToHaveValueAsync("user 00");
        await Expect(page.Locator("#views [aria-current=true]")).ToHaveTextAsync("Customers /j?");

        await page.FocusAsync("#views summary");
        await keyboard.PressAsync("Enter");
        await TabToAsync("Rename");
        await keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new Regex("/usage/views$"));
        await page.GetByRole(AriaRole.Textbox, new() { Name = "New name of Customers /j?" }).FocusAsync();
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("Mine");
        await keyboard.PressAsync("Enter");
        await Expect(page.Locator("#saved-views a")).ToHaveTextAsync("Mine");
        Assert.Empty(window.Errors);

        async Task TabToAsync(string what)
        {
            for (var i = 0; i < 12; i++)
            {
                await keyboard.PressAsync("Tab");
                if (await page.EvaluateAsync<bool>("what => (document.activeElement.name || document.activeElement.textContent).includes(what)", what))
                    return;
            }

            Assert.Fail($"No {what} within reach of the Tab key.");
        }
    }

    [Fact]
    public async Task The_menu_follows_filters_pages_and_history()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("INSERT INTO saved_views (account_id, name, normalized_name, query) SELECT id, 'Customers', 'Z', '?type=external&q=user%200' FROM accounts");
        await Database.ExecuteAsync("INSERT INTO saved_views (account_id, name, normalized_name, query) SELECT id, 'Staff', 'S', '?type=internal' FROM accounts");
        var id = await Database.ScalarAsync<Guid>("SELECT id FROM saved_views WHERE name = 'Customers'");
        await using var window = await chromium.OpenAsync(site, $"/usage/views/{id}");
        await window.LiveAsync();
        var (page, current, changed) = (window.Page, window.Page.Locator("#views [aria-current=true]"), window.Page.Locator("#views summary [data-changed]"));
        await page.ClickAsync("#views summary");
        await Expect(current).ToHaveTextAsync("Customers");
        await page.ClickAsync("#next");
        await Expect(page.Locator("#showing")).ToContainTextAsync("26–30");
        await Expect(changed).ToBeHiddenAsync();
        await page.ClickAsync("#sort-name");
        await Expect(changed).ToBeVisibleAsync();
        await Expect(current).ToHaveTextAsync("Customers");
        await Expect(page.Locator("#view-name")).ToHaveTextAsync("Customers");
        await Expect(page.Locator("#views [name=query]")).ToHaveValueAsync(new Regex("sort=name"));

        await page.GotoAsync("/usage?type=internal");
        await Expect(current).ToHaveTextAsync("Staff");
        await window.LiveAsync();
        await window.ChooseTypeAsync("all");
        await Expect(current).ToHaveTextAsync("Everything");
        await page.GoBackAsync();
        await Expect(current).ToHaveTextAsync("Staff");
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task Without_a_script_it_is_forms(AccountRole role)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(role, role == AccountRole.Member ? ann : null);
        await using var window = await chromium.OpenAsync(site, "/usage", new() { JavaScriptEnabled = false }, cookie);
        var page = window.Page;
        await page.SelectOptionAsync("select[name=period]", "7d");
        await page.ClickAsync("#filters button");
        await page.ClickAsync("#views summary");
        await page.FillAsync("#views [name=name]", "Week");
        await page.ClickAsync("#views form button:text-is('Save')");
        await Expect(page).ToHaveURLAsync(new Regex("/usage\\?period=7d$"));
        await Expect(page.Locator("#view-name")).ToHaveTextAsync("Week");
        await page.ClickAsync("nav a[href='/usage']");
        await page.ClickAsync("#views summary");
        await page.ClickAsync("#views a:has-text('Week')");
        await Expect(page).ToHaveURLAsync(new Regex("/usage\\?period=7d$"));
        await page.ClickAsync("#views summary");
        await page.ClickAsync("#views a:has-text('Rename')");
        await page.ClickAsync(".delete");
        await Expect(page.Locator("#no-views")).ToBeVisibleAsync();
    }
}
