using System.Net;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>Widgets while the database is away.</summary>
public sealed class WidgetDownTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task They_say_so_where_they_are_shown_and_come_back()
    {
        await Database.AddUsersAsync(11);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (_, path) = await site.AddWidgetAsync("?size=10", origins: [host.Origin]);
        var viewers = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        using (var seen = await new Visit(site.Address).GetAsync(viewers.PathOf(Guid.NewGuid())))
            Assert.Equal(HttpStatusCode.OK, seen.StatusCode);
        var (_, unseen) = await site.AddWidgetAsync(origins: [host.Origin]);
        host.Body = $"<iframe src='{new Uri(site.Address, path)}' width=900 height=900></iframe>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var widget = window.Page.FrameLocator("iframe");
        await Expect(widget.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");

        await Database.ShutAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(1006) > 0, "the listener noticed");
        using var nobody = new Visit(site.Address);
        foreach (var (address, ancestors) in new[] { (path, host.Origin), (path + "/table", host.Origin), (path + "/events", host.Origin), (viewers.PathOf(Guid.NewGuid()), host.Origin), (unseen, "'none'"), (unseen + "/events", "'none'") })
        {
            using var answer = await nobody.GetAsync(address, ("HX-Request", "true"));
            Assert.Equal((address, HttpStatusCode.ServiceUnavailable), (address, answer.StatusCode));
            Assert.EndsWith($"frame-ancestors {ancestors}", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
            Assert.True(answer.Headers.CacheControl!.NoStore);
            Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 5, 15);
            var body = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.Contains("The database does not answer", body, StringComparison.Ordinal);
            Assert.InRange(body.Length, 1, 500);
        }

        await widget.Locator("#next").ClickAsync();
        await Expect(widget.Locator("#problem")).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"The database does not answer.* as of \d\d:\d\d:\d\d"));
        await Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(10);
        await window.Page.ReloadAsync();
        await Expect(widget.Locator("body")).ToContainTextAsync("The database does not answer");

        await Database.OpenAsync();
        await Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(10, new() { Timeout = 40_000 });
        Assert.DoesNotContain(site.Logs.Errors, e => e.Contains("unhandled", StringComparison.OrdinalIgnoreCase));
    }
}
