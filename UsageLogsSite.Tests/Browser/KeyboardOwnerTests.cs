using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>The pages of owners without a mouse.</summary>
public sealed class KeyboardOwnerTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task An_alert_rule_is_made_edited_and_removed_by_keys_alone()
    {
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/admin/alerts");
        var (page, keys, done) = (window.Page, new Keys(window), window.Page.Locator("#done"));
        await keys.TabToAsync("#add [name=name]");
        await keys.TypeAsync("Errors");
        await keys.TabToAsync("#add [name=kind]");
        await keys.TypeAsync("fail");
        await keys.TabToAsync("#add [name=threshold]");
        await keys.TypeAsync("5");
        await keys.PressAsync("Enter", () => Expect(done).ToContainTextAsync("'Errors' is looked after"));
        await Expect(page.Locator("#rules small")).ToHaveTextAsync("failed responses in 60 minutes ≥ 5 · all users");

        await keys.PressAtAsync("#rules summary", "Enter", () => Expect(page.Locator("#rules .edit")).ToBeVisibleAsync());
        await keys.PressAtAsync("#rules .edit summary", "Space", () => Expect(page.Locator("#rules .fields")).ToBeVisibleAsync());
        await keys.ReplaceAsync("#rules [name=threshold]", "much");
        await keys.PressAtAsync("#rules .primary", "Enter", () => Expect(page.Locator("#refused")).ToContainTextAsync("'much' is not a threshold"));
        await keys.ReplaceAsync("#rules [name=threshold]", "9"); // its form is open still
        await keys.TabToAsync("#rules [name=users]");
        await keys.TypeAsync("ext");
        await keys.PressAtAsync("#rules .primary", "Enter", () => Expect(done).ToContainTextAsync("'Errors' is changed"));
        await Expect(page.Locator("#rules small")).ToHaveTextAsync("failed responses in 60 minutes ≥ 9 · external users");

        await keys.PressAtAsync("#rules summary", "Enter", () => Expect(page.Locator("#rules .remove")).ToBeVisibleAsync());
        await keys.PressAtAsync("#rules .remove", "Enter", () => Expect(page.Locator("#no-rules")).ToBeVisibleAsync());
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_widget_is_made_and_revoked_by_keys_alone()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/admin/embeds");
        var (page, keys) = (window.Page, new Keys(window));
        await keys.TabToAsync("#add [name=name]");
        await keys.TypeAsync("Our usage");
        await keys.TabToAsync("#add [name=type]");
        await keys.TypeAsync("ext");
        await keys.PressAtAsync("#add [name=columns][value=revenue]", "Space", () => Expect(page.Locator("#add [name=columns][value=revenue]")).ToBeCheckedAsync());
        await keys.TabToAsync("#add [name=origins]");
        await keys.TypeAsync("https://shop.example");
        await keys.PressAtAsync("#add .primary", "Enter", () => Expect(page.Locator("#snippet")).ToBeVisibleAsync());
        await keys.PressAtAsync("[data-copy]", "Enter", () => Expect(page.Locator("[data-copy]")).ToHaveTextAsync("Copied"));

        await keys.PressAtAsync("#embeds summary", "Enter", () => Expect(page.Locator("#embeds .confirm")).ToBeVisibleAsync());
        await keys.PressAtAsync(".confirm summary", "Enter", () => Expect(page.Locator(".revoke")).ToBeVisibleAsync());
        await keys.PressAtAsync(".revoke", "Enter", () => Expect(page.Locator("#done")).ToContainTextAsync("is revoked"));
        Assert.Empty(window.Errors);
    }
}
