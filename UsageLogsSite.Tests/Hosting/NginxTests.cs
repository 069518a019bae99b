using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>The repository's configuration of nginx: what it keeps from the public, from its logs and from the site.</summary>
public sealed class NginxTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task It_shows_the_site_by_https_and_not_what_is_for_operators()
    {
        await using var site = await Site.StartAsync(Database);
        await using var nginx = await Nginx.StartAsync(site.Address, site.Address);
        using var http = nginx.ClientOf(site.Cookie);
        foreach (var (address, status) in new[] { ("/usage", HttpStatusCode.OK), ("/health/ready", HttpStatusCode.NotFound), ("/health/live", HttpStatusCode.NotFound), ("/metrics", HttpStatusCode.NotFound) })
        {
            using var answer = await http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
            Assert.Equal((address, status), (address, answer.StatusCode));
        }

        using var plain = new Visit(nginx.PlainAddress);
        using var moved = await plain.GetAsync("/usage?type=internal");
        Assert.Equal((HttpStatusCode.PermanentRedirect, "https://127.0.0.1/usage?type=internal"), (moved.StatusCode, moved.Headers.Location?.ToString()));
    }

    [Fact]
    public async Task No_log_learns_a_token_or_what_was_searched_for_even_when_no_instance_answers()
    {
        var site = await Site.StartAsync(Database);
        await using var nginx = await Nginx.StartAsync(site.Address, site.Address);
        using var http = nginx.ClientOf(site.Cookie);
        string[] addresses = ["/embed/secret-1", "/embed/secret-2/table", "/embed/secret-3/events", "/account/link/secret-4", "/usage?q=secret-5"];
        foreach (var address in addresses)
            (await http.GetAsync(new Uri(address, UriKind.Relative), Cancellation)).Dispose();
        await site.DisposeAsync();
        foreach (var address in addresses.Take(4))
        {
            using var answer = await http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        }

        await Eventually.TrueAsync(() => nginx.Requests.Count > 0, "the log is written");
        Assert.Contains("GET /usage\"", nginx.Logs, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", nginx.Logs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_comes_through_at_once_and_a_large_batch_reaches_the_api()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var nginx = await Nginx.StartAsync(site.Address, site.Address);
        using var http = nginx.ClientOf(site.Cookie);
        http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip, br");
        using var stream = await http.GetAsync(new Uri("/usage/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal("identity", Assert.Single(stream.Content.Headers.ContentEncoding));
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancellation));
        await ReadUntilAsync(lines, "event: usage-changed");
        await Database.AddLogAsync(ann);
        await ReadUntilAsync(lines, "event: usage-changed");

        // Refused by the site, which knows no such key, and not by nginx, for its size.
        using var batch = new ByteArrayContent(new byte[8 * 1024 * 1024 - 1]);
        using var refused = await http.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), batch, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    private static async Task ReadUntilAsync(TextReader lines, string wanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (await lines.ReadLineAsync(limit.Token) != wanted)
        {
            // Others come before it.
        }
    }
}
