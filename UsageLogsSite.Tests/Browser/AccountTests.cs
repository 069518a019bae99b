using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Signing in and out, as a real browser takes it.</summary>
public sealed class AccountTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Ann = "ann@example.test";
    private const string Password = "correct horse battery";

    [Theory]
    [InlineData("Development", true)]
    [InlineData("Production", true)]
    [InlineData("Production", false)]
    public async Task Somebody_signs_in_looks_around_and_signs_out(string environment, bool hasScript)
    {
        await using var site = await Site.StartAsync(Database, new() { ["environment"] = environment, ["Admin:Email"] = Ann, ["Admin:Password"] = Password });
        var options = new BrowserNewContextOptions { JavaScriptEnabled = hasScript, BaseURL = $"http://localhost:{site.Address.Port}" };
        await using var window = await chromium.OpenAsync(site, "/usage?sort=cost", options, cookie: "");
        await window.Page.FillAsync("input[name=Email]", Ann);
        await window.Page.FillAsync("input[name=Password]", Password);
        await window.Page.ClickAsync("main button");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/usage\\?sort=cost$"));
        await Expect(window.Page.Locator("#who")).ToHaveTextAsync(Ann);
        if (hasScript)
            await window.LiveAsync();
        await window.Page.ClickAsync(".who button");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/account/sign-in$"));
        await window.Page.GotoAsync("/usage");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/account/sign-in"));
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData(375, ColorScheme.Dark)]
    [InlineData(1440, ColorScheme.Light)]
    public async Task No_page_sticks_out_sideways_or_breaks_the_policy(int width, ColorScheme scheme)
    {
        await using var site = await Site.StartAsync(Database);
        await site.AddAccountAsync(AccountRole.Member, Guid.NewGuid());
        await Database.ExecuteAsync(
            "INSERT INTO audit_log (who, action, subject, detail, address) VALUES ($1, 'SignInFailed', gen_random_uuid()::text, $1, '2001:db8:1111:2222:3333:4444:5555:6666')",
            new string('W', 200) + "<img src=x onerror=alert(1)>");
        await using var window = await chromium.OpenAsync(site, "/account", new() { ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = scheme });
        foreach (var address in new[] { "/account", "/admin/accounts", "/admin/audit", "/admin/rollup", "/usage", "/nothing-here" })
        {
            await window.Page.GotoAsync(address);
            foreach (var closed in await window.Page.Locator("#accounts summary").AllAsync())
                await closed.ClickAsync();
            Assert.Equal((address, width), (address, await window.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)")));
        }

        Assert.DoesNotContain(window.Errors, e => !e.Contains("404", StringComparison.Ordinal));
        await window.Context.ClearCookiesAsync();
        await window.Page.GotoAsync("/account/sign-in?provider=refused");
        Assert.Equal(width, await window.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)"));
        Assert.Equal("Email", await window.Page.EvaluateAsync<string>("document.activeElement.name"));
    }
}
