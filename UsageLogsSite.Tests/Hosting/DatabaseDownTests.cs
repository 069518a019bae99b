using System.Net;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Hosting;

public sealed class DatabaseDownTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task The_site_says_so_keeps_the_rows_and_recovers_without_a_restart()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();

        await Database.ShutAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(1006) > 0, "the listener noticed");

        using (var page = await site.Http.GetAsync(new Uri("/usage?type=internal", UriKind.Relative), Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
            Assert.NotNull(page.Headers.RetryAfter);
            var body = await page.Content.ReadAsStringAsync(Cancellation);
            Assert.Contains("The database does not answer", body, StringComparison.Ordinal);
            Assert.Contains("href=\"/usage?type=internal\"", body, StringComparison.Ordinal);
        }

        using (var ready = await site.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        using (var live = await site.Http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation))
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);

        await window.Page.ClickAsync("#refresh-now");
        await Expect(window.Page.Locator("#problem")).ToContainTextAsync("The database does not answer");
        await Expect(window.Page.Locator("#problem")).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"as of \d\d:\d\d:\d\d"));
        await Expect(window.Row(ann)).ToBeVisibleAsync();
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();

        await Database.OpenAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1", new() { Timeout = 30_000 });
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync();
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
    }
}
