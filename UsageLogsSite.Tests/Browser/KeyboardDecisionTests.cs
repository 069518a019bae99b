using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Decisions without a mouse, and what a screen reader hears of them.</summary>
public sealed class KeyboardDecisionTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Type_note_refund_and_deletion_are_decided_by_keys_alone()
    {
        var ann = await Database.AddUserAsync("Ann");
        var purchase = await Database.AddPurchaseAsync(ann, 20, "completed");
        var log = await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, $"/users/{ann}");
        await window.LiveAsync();
        var (page, keys, decisions) = (window.Page, new Keys(window), window.Page.Locator("#decisions"));

        await keys.PressAtAsync($"#purchase-{purchase} summary", "Enter", () => Expect(decisions).ToBeAttachedAsync()); // its script has come
        await keys.PressAtAsync($"#purchase-{purchase} button", "Enter", () => Expect(page.Locator("#total-revenue")).ToHaveTextAsync("$0.00"));
        await Expect(page.Locator($"#purchase-{purchase} summary")).ToHaveCountAsync(0); // it had the focus
        await keys.PressAtAsync("#about summary", "Enter", () => Expect(page.Locator("#note")).ToBeVisibleAsync());
        await keys.PressAtAsync("#change-type", "Space", () => Expect(page.Locator("#user-type:not(.pending)")).ToHaveTextAsync("Internal"));
        await Expect(page.Locator("#change-type")).ToHaveTextAsync("Make external");
        await keys.TabToAsync("#note");
        await keys.TypeAsync("Pays late");
        await keys.PressAtAsync("#add-note", "Enter", () => Expect(page.Locator("#notes li:not(.pending)")).ToContainTextAsync("Pays late"));
        await Expect(page.Locator("#add-note")).ToBeFocusedAsync();

        await keys.PressAtAsync($"#log-{log} a", "Enter", () => Expect(page).ToHaveURLAsync(new Regex($"/logs/{log}")));
        await Expect(decisions).ToBeAttachedAsync();
        await keys.PressAtAsync(".decide summary", "Enter", () => Expect(page.Locator("#delete-log")).ToBeVisibleAsync());
        await keys.PressAtAsync("#delete-log", "Enter", () => Expect(decisions).ToContainTextAsync("The log is deleted."));
        await keys.TabToAsync("#back", backwards: true);
        await keys.PressAsync("Enter", () => Expect(page.Locator("#total-requests")).ToHaveTextAsync("0"));
        Assert.Equal("AddedNote ChangedUserType DeletedLog RefundedPurchase", await Database.ScalarAsync<string>(
            "SELECT string_agg(action, ' ' ORDER BY action) FROM audit_log WHERE action IN ('AddedNote', 'ChangedUserType', 'DeletedLog', 'RefundedPurchase')"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_refused_one_is_heard_with_its_reason_and_dismissed_without_losing_the_place()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, $"/users/{ann}");
        await window.LiveAsync();
        var (page, keys, decisions) = (window.Page, new Keys(window), window.Page.Locator("#decisions"));
        await keys.PressAtAsync("#about summary", "Enter", () => Expect(decisions).ToBeAttachedAsync());
        var heard = await AccessibilityTree.ReadAsync(window);
        Assert.Contains(heard.All, n => n.Role == "status" && n.Name == "Decisions" && n.Properties["live"] == "polite"); // there before there is something to say
        await page.RouteAsync("**/table**", route => route.AbortAsync()); // what this owner sees stays as it is
        await Database.ExecuteAsync("UPDATE users SET name = 'Ann Lee' WHERE id = $1", ann);
        await keys.PressAtAsync("#change-type", "Enter", () => Expect(decisions).ToContainTextAsync("the name is 'Ann Lee'"));
        await Expect(page.Locator("#user-type")).ToHaveTextAsync("External");
        await Database.ExecuteAsync("DELETE FROM users WHERE id = $1", ann);
        await keys.TabToAsync("#decisions [id^=again]", backwards: true);
        await keys.PressAsync("Enter", () => Expect(decisions.Locator("[data-state=refused]")).ToContainTextAsync("This user is gone. Nothing is done."));
        heard = await AccessibilityTree.ReadAsync(window);
        Assert.Contains("This user is gone. Nothing is done.", heard.All.Single(n => n.Name == "Decisions").Text, StringComparison.Ordinal);
        await keys.TabToAsync("#decisions [id^=drop]");
        await keys.PressAsync("Enter", () => Expect(decisions.Locator("li")).ToHaveCountAsync(0));
        Assert.All(window.Errors, e => Assert.Contains("Failed to ", e, StringComparison.Ordinal)); // refusals, and what the test stops
    }
}
