using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>axe-core finds nothing to complain about in what opens, fails or waits, either.</summary>
public sealed class OpenStateTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private readonly List<string> _found = [];

    public static TheoryData<ColorScheme, int> Screens => AccessibilityTests.Screens;

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task No_state_of_the_list_violates_a_rule(ColorScheme scheme, int width)
    {
        await Database.AddUsersAsync(30);
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await Database.AddPurchaseAsync(ann, 20, "completed");
        await using var site = await Site.StartAsync(Database, new() { ["Alerts:Interval"] = "00:00:00.100" });
        await Database.ExecuteAsync("INSERT INTO alert_rules (name, kind, threshold, user_id, is_enabled) VALUES ('Anything fails', 'failures', 1, $1, true)", ann);
        await using var window = await OpenAsync(site, "/usage?size=10", scheme, width);
        var page = window.Page;
        await window.LiveAsync();

        await page.Keyboard.PressAsync("?");
        await JudgeAsync(window, "help", "#keys[open]");
        await page.Keyboard.PressAsync("Escape");
        await page.ClickAsync("#view summary");
        await page.CheckAsync("#view [name=toast]");
        await page.CheckAsync("#view [value=compact]");
        await JudgeAsync(window, "the menu View", "#view[open] form");
        await page.ClickAsync("#views summary");
        await JudgeAsync(window, "the menu Saved views", "#views[open] form");
        await page.Keyboard.PressAsync("Escape");
        await JudgeAsync(window, "compact", ".usage");
        await window.Row(ann).Locator("summary").ClickAsync();
        await JudgeAsync(window, "an open row", $"tr[data-user-id='{ann}'] dl");

        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'm', 'failed')", ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("2");
        await Expect(page.Locator("#new-alerts p")).ToBeVisibleAsync();
        await Database.AddLogAsync(ann); // the first update brings along the script that tells of the next
        await JudgeAsync(window, "notices", "#toast:not(:empty)");

        await page.GotoAsync("/usage?size=10&sort=name&dir=asc&page=2");
        await window.LiveAsync();
        await Database.AddUserAsync("User 000");
        await JudgeAsync(window, "updates that wait", "#apply");
        await page.RouteAsync("**/usage/table**", route => route.FulfillAsync(new() { Status = 503, ContentType = "text/html", Body = "<p><strong>The database does not answer.</strong></p>" }));
        await page.ClickAsync("#refresh-now");
        await JudgeAsync(window, "a failure", "#problem strong");
        await page.UnrouteAllAsync();
        await page.RouteAsync("**/usage/table**", route => route.FulfillAsync(new() { Status = 401, Body = "" }));
        await page.ClickAsync("#refresh-now");
        await JudgeAsync(window, "signed out", "#live-status[data-state=signed-out]");
        await Expect(page.Locator("#problem a")).ToBeVisibleAsync();
        await JudgeAsync(window, "signed out", "#problem a");
        Assert.True(_found.Count == 0, string.Join("\n", _found));
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Nor_do_decisions_that_wait_or_failed_nor_forms_that_were_refused(ColorScheme scheme, int width)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await Database.AddPurchaseAsync(ann, 20, "completed");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, $"/users/{ann}", scheme, width);
        var page = window.Page;
        await window.LiveAsync();
        await page.ClickAsync("#about summary");
        await Expect(page.Locator("#decisions")).ToBeAttachedAsync();
        await page.RouteAsync("**/table**", route => route.AbortAsync());
        await Database.ExecuteAsync("UPDATE users SET name = 'Ann Lee' WHERE id = $1", ann);
        await page.ClickAsync("#change-type");
        await JudgeAsync(window, "a conflict", "#decisions [data-state=conflict] button");
        await window.Context.SetOfflineAsync(true);
        await page.FillAsync("#note", "Pays late");
        await page.ClickAsync("#add-note");
        await JudgeAsync(window, "decisions offline", "#decisions [data-state=waiting] button");
        await window.Context.SetOfflineAsync(false);

        await page.GotoAsync("/admin/alerts");
        await page.FillAsync("#add [name=name]", "Errors");
        await page.FillAsync("#add [name=threshold]", "much");
        await page.ClickAsync("#add button");
        await JudgeAsync(window, "a rule refused", "#refused");
        await page.FillAsync("#add [name=threshold]", "1");
        await page.ClickAsync("#add button");
        await page.ClickAsync("#rules summary");
        await page.ClickAsync("#rules .edit summary");
        await JudgeAsync(window, "a rule's form", "#rules .fields");
        await page.FillAsync("#rules [name=threshold]", "much");
        await page.ClickAsync("#rules .primary");
        await JudgeAsync(window, "a rule's change refused", "#refused");
        Assert.True(_found.Count == 0, string.Join("\n", _found));
    }

    /// <summary>Judges the page as it is once this is seen.</summary>
    private async Task JudgeAsync(Window window, string name, string seen)
    {
        await Expect(window.Page.Locator(seen).First).ToBeVisibleAsync(new() { Timeout = 20_000 });
        _found.AddRange(await Axe.ViolationsAsync(window, name));
    }

    private Task<Window> OpenAsync(Site site, string address, ColorScheme scheme, int width) => chromium.OpenAsync(
        site, address, new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 900 }, ReducedMotion = ReducedMotion.Reduce });
}
