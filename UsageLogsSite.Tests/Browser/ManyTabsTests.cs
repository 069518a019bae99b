using System.Diagnostics;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>With HTTP/1.1 a browser has six connections for all of its tabs: streams must leave some of them free.</summary>
public sealed class ManyTabsTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const int StreamsOfABrowser = 4;

    /// <summary>What a tab in the background is told, until <c>lookAt(true)</c>.</summary>
    private const string InTheBackground = """
        let hidden = true;
        Object.defineProperty(document, "hidden", { get: () => hidden });
        Object.defineProperty(document, "visibilityState", { get: () => hidden ? "hidden" : "visible" });
        window.lookAt = looked => {
          hidden = !looked;
          document.dispatchEvent(new Event("visibilitychange"));
        };
        """;

    [Fact]
    public async Task Twenty_tabs_of_one_browser_all_load_and_all_stay_right()
    {
        const int Tabs = 20;
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamsPerClient"] = $"{StreamsOfABrowser}" });
        await using var first = await chromium.OpenAsync(site);
        await first.LiveAsync();
        var pages = new List<Microsoft.Playwright.IPage> { first.Page };
        while (pages.Count < Tabs)
        {
            var page = await first.Context.NewPageAsync();
            await AssertQuickAsync(() => page.GotoAsync("/usage?sort=cost"));
            pages.Add(page);
        }

        Assert.Equal(StreamsOfABrowser, site.Logs.Count(1003) - site.Logs.Count(1004));
        await Database.AddLogAsync(ann);
        await AssertQuickAsync(() => pages[^1].ReloadAsync());

        // Four are pushed; the others poll.
        foreach (var page in pages)
            await Expect(page.Locator("#total-requests")).ToHaveTextAsync("1", new() { Timeout = 30_000 });
        foreach (var page in pages)
            await Expect(page.Locator("#problem")).ToBeEmptyAsync();
    }

    [Fact]
    public async Task A_tab_in_the_background_holds_no_stream_and_is_right_when_it_is_looked_at()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/health/live");
        await window.Page.AddInitScriptAsync(InTheBackground);
        await window.Page.GotoAsync("/usage");
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "paused");
        await window.UntilAsync("document.querySelector('.live-stream')._htmx !== undefined");
        Assert.Equal(0, window.Requests("/usage/events"));

        await window.Page.EvaluateAsync("lookAt(true)");
        await window.LiveAsync();
        await Eventually.TrueAsync(() => site.FilterSets.Count == 1, "the stream is open");
        await window.Page.EvaluateAsync("lookAt(false)");
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "the stream is closed");
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "paused");

        await Database.AddLogAsync(ann);
        await site.FoldedAsync();
        Assert.Equal(0, window.Requests("/usage/table"));
        await window.Page.EvaluateAsync("lookAt(true)");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await window.LiveAsync();
    }

    private static async Task AssertQuickAsync(Func<Task> navigate)
    {
        var start = Stopwatch.GetTimestamp();
        await navigate();
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(20)); // without a free connection it would wait for ever
    }
}
