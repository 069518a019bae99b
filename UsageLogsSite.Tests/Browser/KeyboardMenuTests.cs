using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>The menus of the list without a mouse.</summary>
public sealed class KeyboardMenuTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Trend_and_columns_are_chosen_and_Escape_closes_a_menu_and_gives_its_button_the_focus()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var (page, keys) = (window.Page, new Keys(window));
        var (view, saved) = (page.Locator("#view"), page.Locator("#views"));

        await keys.PressAtAsync("#view summary", "Enter", () => Expect(page.Locator("#trend")).ToBeVisibleAsync());
        await keys.PressAtAsync("#view [value=tokens]", "Space", () => Expect(window.Row(ann).Locator(".tokens")).ToBeHiddenAsync());
        await keys.PressAtAsync("#trend", "Space", () => Expect(window.Row(ann).Locator(".trend svg")).ToBeVisibleAsync());
        await Expect(page.Locator("#trend")).ToBeFocusedAsync();
        await keys.PressAtAsync("#view [name=density]", "ArrowDown", () => Expect(page.Locator("#view [value=compact]")).ToBeCheckedAsync());
        await keys.PressAsync("Escape", () => Expect(page.Locator("#view summary")).ToBeFocusedAsync());
        await Expect(view).Not.ToHaveAttributeAsync("open", "");
        await Expect(window.Row(ann).Locator(".tokens")).ToBeHiddenAsync();
        await Expect(page).ToHaveURLAsync(new Regex(@"\?trend=days$"));

        // From a field in it, and with the other keys turned off.
        await keys.PressAsync("Enter", () => Expect(page.Locator("#view [name=keys]")).ToBeVisibleAsync());
        await keys.PressAtAsync("#view [name=keys]", "Space", () => Expect(page.Locator("#view [name=keys]")).Not.ToBeCheckedAsync());
        await keys.TabToAsync("#views summary", backwards: true);
        await keys.PressAsync("Enter", () => Expect(saved.Locator("[name=name]")).ToBeVisibleAsync());
        await Expect(view).Not.ToHaveAttributeAsync("open", ""); // one closes the other
        await keys.TabToAsync("#views [name=name]");
        await keys.TypeAsync("Mine");
        await keys.PressAsync("Escape", () => Expect(page.Locator("#views summary")).ToBeFocusedAsync());
        await Expect(saved).Not.ToHaveAttributeAsync("open", "");

        // A menu that is open beside what is done elsewhere closes, and takes nothing.
        await keys.PressAsync("Enter", () => Expect(saved.Locator("[name=name]")).ToHaveValueAsync("Mine"));
        await keys.TabToAsync("#search");
        await keys.PressAsync("Escape", () => Expect(saved).Not.ToHaveAttributeAsync("open", ""));
        await Expect(page.Locator("#search")).ToBeFocusedAsync();
        Assert.Empty(window.Errors);
    }
}
