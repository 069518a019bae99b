using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Rows of a page after the first move away when the reader says so.</summary>
public sealed class LaterPagesTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string ByName = "/usage?sort=name&dir=asc&page=2&size=10";

    [Theory]
    [InlineData(true)] // the page is loaded
    [InlineData(false)] // the reader comes from the first
    public async Task A_new_value_shows_at_once_and_a_row_that_moves_waits(bool isLoaded)
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, isLoaded ? ByName : ByName.Replace("&page=2", "", StringComparison.Ordinal));
        await window.LiveAsync();
        if (!isLoaded)
        {
            await window.Page.ClickAsync("#next");
            await window.LiveAsync();
        }

        var (rows, updates) = (window.Page.Locator("#usage-table .name"), window.Page.Locator("#updates"));
        await Expect(rows.First).ToHaveTextAsync("User 011");
        var user = await UserAsync("User 012");
        await Database.AddLogAsync(user);
        await Expect(window.Row(user).Locator("td.requests")).ToHaveTextAsync("2");
        await Expect(updates).ToBeEmptyAsync();

        await Database.AddUserAsync("User 000"); // all rows move by one
        await Expect(updates).ToHaveTextAsync("1 update");
        await Expect(window.Page.Locator("#live-status")).ToContainTextAsync("rows as of");
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        var asked = window.Requests("/usage/table");
        await Database.AddLogAsync(user); // what comes after it waits with it, and is not asked for
        await Expect(updates).ToHaveTextAsync("2 updates");
        await Expect(rows.First).ToHaveTextAsync("User 011");
        await Expect(window.Row(user).Locator("td.requests")).ToHaveTextAsync("2");
        await Expect(window.Page.Locator("#total-users")).ToHaveTextAsync("30");
        Assert.Equal(asked, window.Requests("/usage/table"));
        Assert.Equal(isLoaded ? 1 : 2, window.Requests("/usage/events"));

        await window.Page.ClickAsync("#apply");
        await Expect(rows.First).ToHaveTextAsync("User 010");
        await Expect(window.Row(user).Locator("td.requests")).ToHaveTextAsync("3");
        await Expect(updates).ToBeEmptyAsync();
        await Database.AddLogAsync(user); // and values show at once again
        await Expect(window.Row(user).Locator("td.requests")).ToHaveTextAsync("4");
        await Database.AddUserAsync("User 0000");
        await Expect(updates).ToHaveTextAsync("1 update");
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Apply_keeps_scroll_and_focus_by_the_button_and_by_its_key()
    {
        await Database.AddUsersAsync(60);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc&page=2", new() { ViewportSize = new() { Width = 1440, Height = 500 } });
        await window.LiveAsync();
        var user = await UserAsync("User 035");
        await window.Row(user).EvaluateAsync("row => { row.tabIndex = -1; row.focus(); row.scrollIntoView({ block: 'center' }); }");
        var place = await PlaceAsync();

        await HoldAsync("User 000");
        await window.Page.Keyboard.PressAsync("r");
        await Expect(window.Page.Locator("#usage-table .name").First).ToHaveTextAsync("User 025");
        await Expect(window.Page.Locator("#updates")).ToBeEmptyAsync();
        await Expect(window.Row(user)).ToBeFocusedAsync();
        Assert.True(await PlaceAsync() is var after && Math.Abs(after - place) <= 1, $"from {place} to {await PlaceAsync()}");

        await HoldAsync("User 0000");
        await window.Page.EvaluateAsync("document.getElementById('apply').click()"); // as a mouse does that takes no focus
        await Expect(window.Page.Locator("#usage-table .name").First).ToHaveTextAsync("User 024");
        await Expect(window.Row(user)).ToBeFocusedAsync();
        Assert.True(await PlaceAsync() is var last && Math.Abs(last - place) <= 1, $"from {place} to {await PlaceAsync()}");

        async Task HoldAsync(string name)
        {
            await Database.AddUserAsync(name);
            await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        }

        // Where the row stands that is being read: the page scrolls by what comes above it.
        Task<double> PlaceAsync() => window.Row(user).EvaluateAsync<double>("row => row.getBoundingClientRect().top");
    }

    [Fact]
    public async Task A_selection_that_ends_lets_values_come_and_rows_still_wait()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, ByName);
        await window.LiveAsync();
        var user = await UserAsync("User 012");
        var (requests, updates) = (window.Row(user).Locator("td.requests"), window.Page.Locator("#updates"));
        await SelectAsync();
        await Database.AddLogAsync(user);
        await Expect(updates).ToHaveTextAsync("1 update");
        await window.Page.EvaluateAsync("getSelection().empty()");
        await Expect(requests).ToHaveTextAsync("2");
        await Expect(updates).ToBeEmptyAsync();

        await SelectAsync();
        await Database.AddUserAsync("User 000");
        await Expect(updates).ToHaveTextAsync("1 update");
        await window.Page.RunAndWaitForResponseAsync(
            () => window.Page.EvaluateAsync("getSelection().empty()"), answer => answer.Url.Contains("/usage/table", StringComparison.Ordinal)); // it is asked what moves
        await Database.AddLogAsync(user);
        await Expect(updates).ToHaveTextAsync("2 updates");
        await Expect(window.Page.Locator("#usage-table .name").First).ToHaveTextAsync("User 011");

        // Going elsewhere shows what there is.
        await window.Page.ClickAsync("#previous");
        await Expect(window.Page.Locator("#usage-table .name").First).ToHaveTextAsync("User 000");
        await Expect(updates).ToBeEmptyAsync();
        await Database.AddUserAsync("User 0");
        await Expect(window.Page.Locator("#usage-table .name").First).ToHaveTextAsync("User 0");
        Assert.Empty(window.Errors);

        async Task SelectAsync()
        {
            await window.Page.EvaluateAsync("import('/js/ask.js').then(() => getSelection().selectAllChildren(document.querySelector('#usage-table .email')))");
            Assert.NotEmpty(await window.Page.EvaluateAsync<string>("getSelection().toString()"));
        }
    }

    private Task<Guid> UserAsync(string name) => Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = $1", name);
}
