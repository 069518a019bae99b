using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A page with a widget also has a frame of somebody else: neither the widget nor the page's script does what that says.</summary>
public sealed class WidgetMessagesTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>Counts what was said to a window, after everybody else has heard it.</summary>
    private const string Count = "window.heard = []; addEventListener('message', ({ data, origin }) => heard.push([origin, JSON.stringify(data)].join(' ')))";

    [Fact]
    public async Task Both_sides_listen_only_to_each_other()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        await using var stranger = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        var path = widget.PathOf(ann);
        host.Token = () => widget.TokenOf(ann);
        host.Body = $"<iframe id=widget src='{new Uri(site.Address, path)}' data-usage-renew='{HostPage.TokenPath}' width=900 height=1500></iframe><iframe id=stranger src='{stranger.Origin}/'></iframe>"
            + $"<script async src='{new Uri(site.Address, "/js/embed.js")}'></script>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        await Assertions.Expect(window.Page.FrameLocator("#widget").Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Eventually.TrueAsync(async () => await HeightAsync(window) < 1400, "the frame fits");
        var height = await HeightAsync(window);
        var inside = window.Page.Frames.Single(f => f.Url.Contains("/embed/", StringComparison.Ordinal));
        var outside = window.Page.Frames.Single(f => f.Url.StartsWith(stranger.Origin, StringComparison.Ordinal));
        foreach (var frame in new[] { inside, outside, window.Page.MainFrame })
            await frame.EvaluateAsync(Count);

        // To the page, as a widget would; to the widget, as the page would.
        await outside.EvaluateAsync("for (const said of ['usage-widget-ready', 'usage-widget-renew', { usageWidgetHeight: 77 }]) parent.postMessage(said, '*')");
        await outside.EvaluateAsync("t => { for (const said of ['usage-widget', { usageWidgetToken: t }]) parent.frames[0].postMessage(said, '*') }", widget.TokenOf(bob));
        await Eventually.TrueAsync(async () => await HeardAsync(inside) == 2 && await HeardAsync(window.Page.MainFrame) >= 3, "both have heard it");
        Assert.Equal(path, await inside.EvaluateAsync<string>("location.pathname"));
        Assert.Equal($"{path}/table", await inside.EvaluateAsync<string>("document.querySelector('#refresh').getAttribute('hx-get')"));
        Assert.Equal(height, await HeightAsync(window));
        Assert.Equal(0, host.TokensAsked);
        Assert.Equal(0, await HeardAsync(outside));

        // The same from the page itself is what the widget listens to, so this test can fail; only a token is one.
        await window.Page.EvaluateAsync("for (const wrong of ['', 'x', '../usage', 'a.b', 1, null, {}]) frames[0].postMessage({ usageWidgetToken: wrong }, '*')");
        await Eventually.TrueAsync(async () => await HeardAsync(inside) == 9, "the widget has heard it");
        Assert.Equal(path, await inside.EvaluateAsync<string>("location.pathname"));
        var next = widget.TokenOf(ann, TimeSpan.FromMinutes(9));
        await window.Page.EvaluateAsync("t => frames[0].postMessage({ usageWidgetToken: t }, '*')", next);
        await Eventually.TrueAsync(async () => await inside.EvaluateAsync<string>("location.pathname") == "/embed/" + next, "the widget has the page's token");
    }

    private static Task<double> HeightAsync(Window window) => window.Page.EvaluateAsync<double>("document.querySelector('#widget').clientHeight");

    private static Task<int> HeardAsync(IFrame frame) => frame.EvaluateAsync<int>("heard.length");
}
