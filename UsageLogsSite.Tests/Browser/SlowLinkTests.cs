using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>
/// A slow mobile link, as Chromium makes it: 400 ms until the first byte of each answer, 400 kbit/s. The CDN is out of reach, as what a test
/// answers in its place would not be slowed: the site's own copies come over the slow link, after all else.
/// </summary>
public sealed class SlowLinkTests(PostgresCluster cluster, Chromium chromium, ITestOutputHelper output) : SiteTest(cluster)
{
    /// <summary>Notes when rows are first on the screen, and each new sum.</summary>
    private const string Watch = """
        window.painted = {};
        const sum = () => document.querySelector("#usage-table tbody tr") && document.querySelector("#total-requests data")?.value;
        const look = () => {
          const value = sum();
          if (value && !(value in painted)) {
            painted[value] = 0;
            requestAnimationFrame(() => requestAnimationFrame(() => painted[value] = performance.timeOrigin + performance.now()));
          }
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        """;

    [Fact]
    public async Task Rows_show_within_four_seconds_and_updates_within_one_and_a_half()
    {
        await Database.AddUsersAsync(30);
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/account");
        await window.Context.UnrouteAllAsync();
        await window.Context.RouteAsync("https://cdn.jsdelivr.net/**", route => route.AbortAsync());
        await window.Context.AddInitScriptAsync(Watch);
        var network = await window.Context.NewCDPSessionAsync(window.Page);
        await network.SendAsync("Network.enable");
        await network.SendAsync("Network.setCacheDisabled", new() { ["cacheDisabled"] = true });
        await network.SendAsync("Network.emulateNetworkConditions", new()
        {
            ["offline"] = false,
            ["latency"] = 400,
            ["downloadThroughput"] = 400_000 / 8,
            ["uploadThroughput"] = 400_000 / 8,
        });

        await window.Page.GotoAsync("/usage?size=10");
        await window.UntilAsync("painted['30'] > 0 && performance.getEntriesByName('first-contentful-paint').length > 0"); // told of a moment after the frame
        var first = await window.Page.EvaluateAsync<double>("Math.max(painted['30'] - performance.timeOrigin, performance.getEntriesByName('first-contentful-paint')[0].startTime)");
        await window.LiveAsync();
        var live = await window.Page.EvaluateAsync<double>("performance.now()");

        var updates = new List<double>();
        for (var i = 31; i <= 35; i++)
        {
            await Database.AddLogAsync(ann);
            var committed = (DateTime.UtcNow - DateTime.UnixEpoch).TotalMilliseconds;
            await window.UntilAsync($"painted['{i}'] > 0");
            updates.Add(await window.Page.EvaluateAsync<double>($"painted['{i}']") - committed);
        }

        output.WriteLine($"400 ms, 400 kbit/s: first rows after {first:0} ms, live after about {live:0} ms; updates {string.Join(", ", updates.Select(u => $"{u:0}"))} ms after the commit");
        Assert.InRange(first, 400, 4_000); // less than one answer's delay would mean that nothing was slowed
        Assert.InRange(updates.Order().ElementAt(2), 400, 1_500);
    }
}
