using System.IO.Compression;
using System.Net;
using AngleSharp.Html.Parser;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>
/// What slow links pay: bytes of answers as they pass a proxy, headers and framing included. The CDN's files are counted as brotli at its best
/// quality packs them, with half a kilobyte of headers for each.
/// </summary>
public sealed class WireTests(PostgresCluster cluster, Chromium chromium, PublishedApp published, ITestOutputHelper output) : SiteTest(cluster)
{
    private const int HeadersOfTheCdn = 512;

    private static readonly (string, string)[] AsBrowsersDo = [("Accept-Encoding", "gzip, deflate, br, zstd"), ("Sec-Fetch-Site", "none")];

    [Fact]
    public async Task A_first_visit_and_its_scripts_are_small()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddUsersAsync(20);
        for (var i = 0; i < 12; i++)
            await Database.AddLogAsync(ann);
        await using var app = await published.StartAsync(new() { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString });
        await using var proxy = new FaultProxy(app.Http.BaseAddress!.Host, app.Http.BaseAddress.Port);
        using var visit = new Visit(proxy.Address, app.Cookie);

        var list = await VisitAsync(proxy, visit, "/usage?size=10");
        Assert.InRange(list.All, 1, 30_000);

        Assert.InRange(list.Scripts, 1, 16 * 1024); // htmx and its extension, whose bytes are fixed by hash, take 14,370 of them

        var user = await VisitAsync(proxy, visit, $"/users/{ann}?size=10");
        Assert.InRange(user.All, 1, 30_000);

        // A member's page has the same of themselves, and their saved views.
        await Database.ExecuteAsync("UPDATE accounts SET role = 'member', user_id = $1", ann);
        await Eventually.TrueAsync(async () => (await visit.PageAsync("/usage?size=10")).QuerySelector(".logs") is not null, "the owner is a member now");
        var own = await VisitAsync(proxy, visit, "/usage?size=10");
        Assert.InRange(own.All, 1, 30_000);
    }

    [Fact]
    public async Task An_update_is_small_and_silence_nearly_free()
    {
        await Database.AddUsersAsync(30);
        var ann = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 009'");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Heartbeat"] = "00:00:05" });
        await using var proxy = new FaultProxy("127.0.0.1", site.Address.Port);
        await using var window = await chromium.OpenAsync(site, "/usage?size=10", new() { BaseURL = proxy.Address.ToString() });
        await window.LiveAsync();

        var bob = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 008'");
        await Database.AddLogAsync(bob); // the first brings along, once, the script that lights changes up
        await Expect(window.Row(bob).Locator("td.requests")).ToHaveTextAsync("2");
        long most = 0;
        for (var i = 2; i <= 6; i++)
        {
            var before = await QuietAsync(proxy);
            await Database.AddLogAsync(ann); // at first from the ninth row to the first
            await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync($"{i}");
            most = Math.Max(most, await QuietAsync(proxy) - before);
        }

        output.WriteLine($"update of 10 rows, event and answer with headers: at most {most} B");
        Assert.InRange(most, 1, 1_400);

        // From one heartbeat to the next but one, at twice the usual pace.
        const int Heartbeat = 31;
        var quiet = await QuietAsync(proxy);
        await Eventually.TrueAsync(() => proxy.Received >= quiet + Heartbeat, "a heartbeat has come");
        var (idleFrom, start) = (await QuietAsync(proxy), TimeProvider.System.GetTimestamp());
        await Eventually.TrueAsync(() => proxy.Received >= idleFrom + 2 * Heartbeat, "two more have come");
        var idle = (proxy.Received - idleFrom) / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        output.WriteLine($"idle, a heartbeat every 5 s: {idle:0.0} B/s");
        Assert.InRange(idle, 0.1, 10);
    }

    [Fact]
    public async Task An_unchanged_refresh_is_small()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var proxy = new FaultProxy("127.0.0.1", site.Address.Port);
        foreach (var (address, cookie) in new[] { ("/usage/table?size=10", site.Cookie), ("/usage/table", await site.SignInAsync(AccountRole.Member, ann)) })
        {
            using var visit = new Visit(proxy.Address, cookie);
            using var all = await visit.GetAsync(address, [.. AsBrowsersDo, ("HX-Request", "true")]);
            var before = await QuietAsync(proxy);
            using var same = await visit.GetAsync(address, [.. AsBrowsersDo, ("HX-Request", "true"), ("If-None-Match", all.Headers.ETag!.ToString())]);
            Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
            var bytes = await QuietAsync(proxy) - before;
            output.WriteLine($"unchanged {address}: {bytes} B");
            Assert.InRange(bytes, 1, 500);
        }
    }

    [Fact]
    public async Task A_members_update_is_one_packed_answer()
    {
        var ann = await Database.AddUserAsync("Ann");
        for (var i = 0; i < 12; i++)
            await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database, new() { ["Live:Heartbeat"] = "00:01:00" });
        await using var proxy = new FaultProxy("127.0.0.1", site.Address.Port);
        var cookie = await site.SignInAsync(AccountRole.Member, ann);
        await using var window = await chromium.OpenAsync(site, "/usage?size=10", new() { BaseURL = proxy.Address.ToString() }, cookie);
        await window.LiveAsync();
        await Database.AddLogAsync(ann); // as above
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("13");
        var before = await QuietAsync(proxy);
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("14");
        var bytes = await QuietAsync(proxy) - before;
        output.WriteLine($"a member's update of 10 logs, event and answer with headers: {bytes} B");
        Assert.InRange(bytes, 1, 4_000); // whole, as its chart and logs all move
    }

    /// <summary>All that a page brings along on a first visit.</summary>
    private async Task<(long All, long Scripts)> VisitAsync(FaultProxy proxy, Visit visit, string address)
    {
        var (page, html) = await FetchAsync(proxy, visit, address, "document");
        await using var plain = new BrotliStream(new MemoryStream(html), CompressionMode.Decompress);
        var document = await new HtmlParser().ParseDocumentAsync(plain, Cancellation);
        Assert.Empty(document.QuerySelectorAll("img, picture, video, iframe"));

        long styles = 0, scripts = 0, bodies = 0;
        foreach (var link in document.QuerySelectorAll("link[href]"))
            styles += (await FetchAsync(proxy, visit, link.GetAttribute("href")!, link.GetAttribute("rel") == "icon" ? "image" : "style")).Bytes;
        foreach (var script in document.QuerySelectorAll("script[src]").Select(s => s.GetAttribute("src")!))
        {
            var (bytes, body) = script.StartsWith('/') ? await FetchAsync(proxy, visit, script, "script") : FromCdn(script);
            scripts += bytes;
            bodies += body.Length;
        }

        output.WriteLine($"{address.Split('?')[0]}: HTML {page} B, styles and icon {styles} B, scripts {scripts} B ({bodies} B without headers), in all {page + styles + scripts} B");
        return (page + styles + scripts, bodies);
    }

    private static async Task<(long Bytes, byte[] Body)> FetchAsync(FaultProxy proxy, Visit visit, string address, string destination)
    {
        var before = await QuietAsync(proxy);
        using var response = await visit.GetAsync(address, [.. AsBrowsersDo, ("Sec-Fetch-Dest", destination)]);
        Assert.Equal((address, HttpStatusCode.OK), (address, response.StatusCode));
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal((address, "br"), (address, response.Content.Headers.ContentEncoding.SingleOrDefault()));
        return (await QuietAsync(proxy) - before, body);
    }

    private static (long Bytes, byte[] Body) FromCdn(string address)
    {
        Assert.StartsWith(ClientLibrary.Cdn, address, StringComparison.Ordinal);
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.SmallestSize))
            brotli.Write(File.ReadAllBytes(Path.Combine(Repository.Root, "node_modules", "htmx.org", "dist", address[ClientLibrary.Cdn.Length..])));
        return (packed.ToArray().Length + HeadersOfTheCdn, packed.ToArray());
    }

    /// <summary>The bytes so far, when nothing has come for a while.</summary>
    private static async Task<long> QuietAsync(FaultProxy proxy)
    {
        var (last, since) = (-1L, 0L);
        await Eventually.TrueAsync(
            () =>
            {
                var now = proxy.Received;
                if (now != last)
                    (last, since) = (now, TimeProvider.System.GetTimestamp());
                return TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMilliseconds(300);
            },
            "nothing comes any more");
        return last;
    }
}
