using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>What a screen reader hears, by Chromium's own accessibility tree: tables stay tables where a stylesheet makes cards of their rows.</summary>
public sealed class ScreenReaderTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData(1440)]
    [InlineData(375)]
    public async Task Each_cell_of_the_list_stands_under_its_columns_name_in_the_row_of_its_user(int width)
    {
        await Database.AddUsersAsync(11);
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, 5);
        await Database.AddPurchaseAsync(ann, 20, "completed");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, "/usage?size=10&sort=cost&trend=days", width);
        var rows = (await AccessibilityTree.ReadAsync(window)).Table.Rows;
        AssertTable(["User", "Requests", "Tokens", "Credits used / bought", "Cost", "Revenue", "Paid", "Last activity", "Trend, 14 days"], rows, 10);
        var cells = rows[1];
        Assert.Contains("Ann", cells[0].Text, StringComparison.Ordinal);
        Assert.EndsWith("$5.00", cells[4].Text, StringComparison.Ordinal);
        Assert.Equal("Completed payment", cells[6].Text);
        Assert.Equal("No completed payment", rows[2][6].Text);
        Assert.Contains(cells[8].All, n => n.Role == "image" && n.Name.StartsWith("Requests a day", StringComparison.Ordinal));
        Assert.Equal(["cost"], await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('[aria-sort=descending]')].map(e => e.className)"));

        // A column that the reader has put away is not heard either.
        await window.Page.ClickAsync("#view summary");
        await window.Page.UncheckAsync("#view [value=paid]");
        AssertTable(["User", "Requests", "Tokens", "Credits used / bought", "Cost", "Revenue", "Last activity", "Trend, 14 days"], (await AccessibilityTree.ReadAsync(window)).Table.Rows, 10);
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(375)]
    public async Task So_do_those_of_logs_of_a_widget_and_of_the_audit_log(int width)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, $"/users/{ann}", width);
        var tables = (await AccessibilityTree.ReadAsync(window)).All.Where(n => n.Role == "table").ToList();
        AssertTable(["Time", "Model", "Prompt tokens", "Completion tokens", "Credits", "Cost", "Status"], tables[^1].Rows, 1);

        var (_, widget) = await site.AddWidgetAsync(columns: ["requests", "tokens", "credits", "cost", "revenue", "paid", "last-activity"]);
        await window.Page.GotoAsync(widget);
        await window.LiveAsync();
        AssertTable(["User", "Requests", "Tokens", "Credits used / bought", "Cost", "Revenue", "Paid", "Last activity"], (await AccessibilityTree.ReadAsync(window)).Table.Rows, 1);

        await window.Page.GotoAsync("/admin/audit");
        var audit = (await AccessibilityTree.ReadAsync(window)).Table.Rows;
        Assert.Equal(["When", "Who", "What", "From"], audit[0].Select(c => c.Name));
        Assert.All(audit.Skip(1), row => Assert.Equal(4, row.Count));
        Assert.True(audit.Count > 1);
    }

    [Fact]
    public async Task What_is_said_unasked_is_polite_and_a_refresh_says_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, "/usage", 1440);
        await window.Page.RouteAsync("**/usage/table**", route => Task.CompletedTask); // never answered
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#syncing")).ToBeVisibleAsync();
        var tree = await AccessibilityTree.ReadAsync(window);
        Assert.Contains(tree.All, n => n.Role == "StaticText" && n.Name == "Syncing…");
        var live = tree.All.Where(n => n.Properties.GetValueOrDefault("live", "off") != "off").ToList();
        Assert.Contains(live, n => n.Text == "Live");
        Assert.DoesNotContain(live, n => n.Text.Contains("Syncing", StringComparison.Ordinal)); // twice a second, on a busy site
        Assert.All(live, n => Assert.Equal(n.Role == "alert" ? "assertive" : "polite", n.Properties["live"]));
        Assert.Equal("", Assert.Single(live, n => n.Role == "alert").Text); // only a failure interrupts
        Assert.Contains(tree.All, n => n.Role == "searchbox" && n.Name == "Search");
    }

    [Fact]
    public async Task Updates_that_wait_are_told_of_now_and_then_not_each()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, "/usage?sort=name&dir=asc&page=2&size=10", 1440);
        var (updates, status) = (window.Page.Locator("#updates"), window.Page.Locator("#updates + [role=status]"));
        await Expect(status).ToBeAttachedAsync(); // its script has come
        await window.Page.EvaluateAsync(
            "() => { window.told = []; const status = document.querySelector('#updates + [role=status]'); new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true }); }");
        for (var i = 1; i <= 4; i++)
        {
            await Database.AddUserAsync($"User 000{i}");
            await Expect(updates).ToHaveTextAsync($"{i} update{(i > 1 ? "s" : "")}");
        }

        await Expect(status).ToHaveTextAsync("4 updates", new() { Timeout = 20_000 });
        Assert.Equal(["1 update", "4 updates"], await window.Page.EvaluateAsync<string[]>("told"));
    }

    private static void AssertTable(string[] columns, IReadOnlyList<IReadOnlyList<AccessibleNode>> rows, int count)
    {
        Assert.Equal(columns, rows[0].Select(c => c.Name));
        Assert.All(rows[0], c => Assert.Equal("columnheader", c.Role));
        Assert.Equal(count, rows.Count - 1);
        foreach (var row in rows.Skip(1))
        {
            Assert.Equal("rowheader", row[0].Role);
            Assert.Equal(columns.Length, row.Count);
        }
    }

    private async Task<Window> OpenAsync(Site site, string address, int width)
    {
        var window = await chromium.OpenAsync(site, address, new() { ViewportSize = new() { Width = width, Height = 900 } });
        await window.LiveAsync();
        return window;
    }
}
