using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>
/// Makes the README's pictures from the real site with its demo data:
/// <c>./test.sh -- -explicit only -class UsageLogsSite.Tests.Browser.Screenshots</c>.
/// </summary>
public sealed class Screenshots(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private static readonly ViewportSize Wide = new() { Width = 1280, Height = 800 };

    private static string Folder => Path.Combine(Repository.Root, "docs", "images");

    [Fact(Explicit = true)]
    public async Task Page_in_both_themes_and_on_a_phone()
    {
        await using var site = await StartWithDemoDataAsync();
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await using var window = await chromium.OpenAsync(site, "/usage?sort=revenue", new() { ViewportSize = Wide, ColorScheme = scheme, DeviceScaleFactor = 1.5f });
            await window.LiveAsync();
            await window.Page.ScreenshotAsync(new() { Path = Path.Combine(Folder, $"usage-{scheme.ToString().ToLowerInvariant()}.png") });
        }

        await using var phone = await chromium.OpenAsync(site, "/usage?sort=revenue", new() { ViewportSize = new() { Width = 375, Height = 800 }, DeviceScaleFactor = 1.5f });
        await phone.LiveAsync();
        await phone.Page.ScreenshotAsync(new() { Path = Path.Combine(Folder, "usage-phone.png") });
    }

    [Fact(Explicit = true)]
    public async Task A_live_update_as_a_strip()
    {
        await using var site = await StartWithDemoDataAsync();
        var ann = await Database.AddUserAsync("Ann Example");
        await Database.AddLogAsync(ann);
        await site.FoldedAsync();
        await using var window = await chromium.OpenAsync(site, "/usage?q=ann+example", new() { ViewportSize = new() { Width = 1200, Height = 450 }, DeviceScaleFactor = 1.5f });
        await window.LiveAsync();
        var frames = new List<byte[]> { await window.Page.ScreenshotAsync() };
        var held = new TaskCompletionSource();
        await window.Page.RouteAsync("**/usage/table**", async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await Database.AddPurchaseAsync(ann, 250, "completed");
        await Expect(window.Page.Locator("#syncing")).ToBeVisibleAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancellation);
        frames.Add(await window.Page.ScreenshotAsync());
        held.SetResult();
        await Expect(window.Row(ann).Locator(".paid-dot")).ToBeVisibleAsync();
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancellation);
        frames.Add(await window.Page.ScreenshotAsync());

        string[] captions = ["1 · A reader looks at the page", "2 · A payment is committed in PostgreSQL: only a small badge", "3 · The row, the dot and the revenue are new; nothing else moved"];
        var cells = frames.Select((frame, i) => $"<figure><figcaption>{captions[i]}</figcaption><img src='data:image/png;base64,{Convert.ToBase64String(frame)}'></figure>");
        var page = await window.Context.NewPageAsync();
        await page.SetViewportSizeAsync(1000, 400);
        await page.SetContentAsync($"<style>body{{margin:0;padding:18px;font:17px system-ui;background:#dfe3e8;color:#16202b}}figure{{margin:0 0 16px}}figcaption{{margin:0 0 6px;font-weight:600}}img{{width:100%;border-radius:10px;display:block}}</style>{string.Concat(cells)}");
        await page.ScreenshotAsync(new() { Path = Path.Combine(Folder, "live-update.png"), FullPage = true });
    }

    private async Task<Site> StartWithDemoDataAsync()
    {
        var site = await Site.StartAsync(Database, new() { ["Demo:Data"] = "true" });
        await Database.ExecuteAsync("UPDATE accounts SET email = 'you@example.com'");
        return site;
    }
}
