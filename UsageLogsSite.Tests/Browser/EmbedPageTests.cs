using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A widget from its form to another site's page, and its end.</summary>
public sealed class EmbedPageTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData(375, ColorScheme.Dark, true)]
    [InlineData(1440, ColorScheme.Light, true)]
    [InlineData(1440, ColorScheme.Light, false)]
    public async Task It_is_looked_at_made_pasted_into_another_site_and_revoked(int width, ColorScheme scheme, bool hasScript)
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        await using var admin = await chromium.OpenAsync(
            site, "/admin/embeds", new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme, JavaScriptEnabled = hasScript, Permissions = ["clipboard-read", "clipboard-write"] });
        var page = admin.Page;
        await page.FillAsync("[name=name]", "Our usage");
        await page.FillAsync("[name=origins]", host.Origin);
        await page.SelectOptionAsync("[name=theme]", "dark");
        await page.ClickAsync("#preview-form");
        var preview = page.FrameLocator("#preview iframe");
        await Expect(preview.Locator("tr[data-user-id]")).ToHaveCountAsync(3);
        await Expect(preview.Locator("body")).ToHaveCSSAsync("background-color", "rgb(15, 19, 24)");
        Assert.Equal(host.Origin, await page.InputValueAsync("[name=origins]"));

        await page.ClickAsync("#add .primary");
        var snippet = await page.InputValueAsync("#snippet");
        if (hasScript)
        {
            await page.ClickAsync("[data-copy]");
            await Expect(page.Locator("[data-copy]")).ToHaveTextAsync("Copied");
            Assert.Equal(snippet, await page.EvaluateAsync<string>("navigator.clipboard.readText()"));
            Assert.Equal(width, await page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)"));
        }

        host.Body = snippet;
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var widget = window.Page.FrameLocator("iframe");
        await Expect(widget.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(3);

        await page.ClickAsync("#embeds > li > details > summary");
        await page.ClickAsync(".confirm > summary");
        await page.ClickAsync(".revoke");
        await Expect(page.Locator("#done")).ToContainTextAsync("is revoked");
        await Expect(widget.Locator("#problem")).ToHaveTextAsync("This widget is no longer available.");
        Assert.DoesNotContain(admin.Errors, e => !e.Contains("about:srcdoc", StringComparison.Ordinal)); // the tests' own script is not let into the preview either
    }
}
