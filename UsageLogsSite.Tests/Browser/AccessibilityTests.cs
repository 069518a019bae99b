using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>axe-core finds nothing to complain about, on any page, in either theme, on a wide screen or a phone.</summary>
public sealed class AccessibilityTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>Both themes and both widths; all four pairs only in long runs.</summary>
    public static TheoryData<ColorScheme, int> Screens => Support.Run.IsLong
        ? new() { { ColorScheme.Light, 1440 }, { ColorScheme.Dark, 1440 }, { ColorScheme.Light, 375 }, { ColorScheme.Dark, 375 } }
        : new() { { ColorScheme.Light, 1440 }, { ColorScheme.Dark, 375 } };

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task No_page_violates_a_rule(ColorScheme scheme, int width)
    {
        var ann = await PrepareAsync();
        await using var site = await Site.StartAsync(Database);
        var (_, widget) = await site.AddWidgetAsync();
        var found = new List<string>();
        var log = await Database.AddLogAsync(ann);

        string[] pages =
        [
            "/usage", "/usage?size=10&page=2&period=30d", "/usage?q=nobody", "/usage?chart=days", "/usage?trend=days", "/usage/views", $"/users/{ann}", $"/users/{ann}/logs/{log}", $"/users/{Guid.Empty}", "/admin/accounts", "/admin/alerts", "/admin/embeds", "/admin/keys",
            "/admin/audit", "/admin/rollup", "/account", "/account/sign-out", "/error/500", "/no-such-page", widget,
        ];
        await using var owner = await OpenAsync(site, scheme, width, null);
        await Database.ExecuteAsync("INSERT INTO saved_views (account_id, name, normalized_name, query) SELECT id, 'Active', 'ACTIVE', '?activity=active-7d' FROM accounts");
        await owner.Page.GotoAsync($"/usage/views/{await Database.ScalarAsync<Guid>("SELECT id FROM saved_views")}");
        foreach (var address in pages)
        {
            await owner.Page.GotoAsync(address);
            found.AddRange(await ViolationsAsync(owner, address));
        }

        await owner.Page.GotoAsync("/usage");
        await owner.Page.ClickAsync("#views summary");
        await owner.Page.FillAsync("#views [name=name]", "active");
        await owner.Page.ClickAsync("#views button:text-is('Save')");
        await owner.Page.WaitForSelectorAsync("#replace");
        found.AddRange(await ViolationsAsync(owner, "a name that is taken"));

        await owner.Page.GotoAsync($"/users/{ann}");
        await owner.Page.RouteAsync("**/js/decide.js", route => route.AbortAsync()); // the form goes as without scripts
        await owner.Page.ReloadAsync();
        await Database.ExecuteAsync("UPDATE users SET name = 'Ann Lee' WHERE id = $1", ann);
        await owner.Page.EvaluateAsync("document.getElementById('change-type').click()");
        await owner.Page.WaitForSelectorAsync("#again");
        found.AddRange(await ViolationsAsync(owner, "conflict"));

        await using var member = await OpenAsync(site, scheme, width, await site.SignInAsync(AccountRole.Member, ann));
        foreach (var address in new[] { "/usage", "/usage/views", "/account" })
        {
            await member.Page.GotoAsync(address);
            found.AddRange(await ViolationsAsync(member, "member " + address));
        }

        await using var nobody = await OpenAsync(site, scheme, width, "");
        await nobody.Page.GotoAsync("/account/sign-in");
        found.AddRange(await ViolationsAsync(nobody, "sign-in"));
        Assert.True(found.Count == 0, string.Join("\n", found));
    }

    private Task<Window> OpenAsync(Site site, ColorScheme scheme, int width, string? cookie) => chromium.OpenAsync(
        site, "/health/live", new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 900 }, ReducedMotion = ReducedMotion.Reduce }, cookie);

    private static async Task<IEnumerable<string>> ViolationsAsync(Window window, string name)
    {
        if (await window.Page.Locator("#live-status").CountAsync() > 0)
            await window.LiveAsync();
        await window.Page.EvaluateAsync("for (const d of document.querySelectorAll('details')) { d.name = ''; d.open = true; }"); // menus too, of which one closes the other
        return await Axe.ViolationsAsync(window, name);
    }

    /// <summary>Some of everything that pages show.</summary>
    private async Task<Guid> PrepareAsync()
    {
        await Database.AddUsersAsync(30);
        await Database.AddUsersAsync(3, "internal");
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, 5);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'large', 'failed')", ann);
        await Database.AddPurchaseAsync(ann, 20, "completed");
        await Database.AddPurchaseAsync(ann, 5, "pending");
        await Database.ExecuteAsync("INSERT INTO user_notes (user_id, text, who) VALUES ($1, 'Pays late', 'you@example.test')", ann);
        return ann;
    }
}
