using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A reader is never interrupted.</summary>
public sealed class ReaderTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Page_scroll_focus_selection_and_open_rows_stay_while_rows_change()
    {
        await Database.AddUsersAsync(80);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?type=external&sort=name&page=2");
        await window.LiveAsync();
        var reading = await IdOfAsync("User 030");
        var changing = await IdOfAsync("User 031");
        await window.Row(reading).Locator("summary").ClickAsync();
        await window.Row(reading).ScrollIntoViewIfNeededAsync();
        await window.Page.EvaluateAsync(
            """
            id => {
              scrollTo(0, 240);
              document.getElementById("next").focus({ preventScroll: true });
              getSelection().selectAllChildren(document.querySelector("h1")); // in the table it would hold the rows: SelectionTests
              window.row = document.querySelector(`tr[data-user-id="${id}"]`);
            }
            """,
            reading.ToString());
        var before = await StateAsync(window);
        Assert.Contains("Usage Logs", before, StringComparison.Ordinal);

        // A change in the row beside, in the row itself, and one that would move all rows by one place, which waits: LaterPagesTests.
        await Database.AddLogAsync(changing);
        await Expect(window.Row(changing).Locator("td.requests")).ToHaveTextAsync("2");
        await Database.AddLogAsync(reading);
        await Expect(window.Row(reading).Locator("td.requests")).ToHaveTextAsync("2");
        Assert.Equal(before, await StateAsync(window));
        await Database.AddUserAsync("User 000");
        await Expect(window.Page.Locator("#updates")).ToHaveTextAsync("1 update");
        await Expect(window.Page.Locator("tbody tr").First).ToContainTextAsync("User 026");

        Assert.Equal(before, await StateAsync(window));
        Assert.True(await window.Page.EvaluateAsync<bool>("row.isConnected"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task What_is_being_typed_is_kept()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.Locator("#search").PressSequentiallyAsync("an");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("q=an$"));
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await window.Page.Keyboard.PressAsync("n");
        await Expect(window.Page.Locator("#search")).ToHaveValueAsync("ann");
        await Expect(window.Page.Locator("#search")).ToBeFocusedAsync();
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("q=ann$"));
    }

    [Fact]
    public async Task Back_and_forward_bring_filters_and_rows_back()
    {
        var staff = await Database.AddUserAsync("Ann", "internal");
        var customer = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.ChooseTypeAsync("internal");
        await Expect(window.Row(customer)).ToHaveCountAsync(0);

        await window.Page.GoBackAsync();
        await Expect(window.Row(customer)).ToHaveCountAsync(1);
        await Expect(window.Page.Locator("input[name=type][value=all]")).ToBeCheckedAsync();
        await Eventually.TrueAsync(() => site.FilterSets.Count == 1, "one stream is left");
        await Database.AddLogAsync(customer);
        await Expect(window.Row(customer).Locator("td.requests")).ToHaveTextAsync("1");

        await window.Page.GoForwardAsync();
        await Expect(window.Row(customer)).ToHaveCountAsync(0);
        await Expect(window.Page.Locator("input[name=type][value=internal]")).ToBeCheckedAsync();
        await Database.AddLogAsync(staff);
        await Expect(window.Row(staff).Locator("td.requests")).ToHaveTextAsync("1");
        Assert.Empty(window.Errors);
    }

    private Task<Guid> IdOfAsync(string name) => Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = $1", name);

    private static Task<string> StateAsync(Window window) => window.Page.EvaluateAsync<string>(
        "JSON.stringify([location.search, scrollY, document.activeElement.id, getSelection().toString(), [...document.querySelectorAll('details[open]')].map(d => d.id)])");
}
