using System.Net;
using System.Security.Cryptography;
using AngleSharp.Html.Parser;
using UsageLogsSite.Access;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

public sealed class AssetsTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task Assets_are_served_from_source(string environment)
    {
        await using var site = await Site.StartAsync(Database, new() { ["environment"] = environment });
        await AssertAssetsAsync(site.Http);
    }

    [Fact]
    public async Task Assets_are_served_from_what_was_published()
    {
        await using var app = await published.StartAsync(new() { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString });
        await AssertAssetsAsync(app.Http);
    }

    [Fact]
    public void The_integrity_hashes_are_those_of_the_packages_files()
    {
        foreach (var library in ClientLibrary.All)
        {
            var file = File.ReadAllBytes(Path.Combine(Repository.Root, "node_modules", "htmx.org", "dist", library.File));
            Assert.Equal("sha384-" + Convert.ToBase64String(SHA384.HashData(file)), library.Integrity);
        }
    }

    [Fact]
    public async Task Pages_say_what_a_browser_may_do()
    {
        await using var site = await Site.StartAsync(Database);
        foreach (var address in new[] { "/usage", "/usage/table", "/nothing-here" })
        {
            using var response = await site.Http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
            var policy = response.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }

    private static async Task AssertAssetsAsync(HttpClient http)
    {
        var page = new HtmlParser().ParseDocument(await http.GetStringAsync(new Uri("/usage", UriKind.Relative), Cancellation));
        var addresses = page.QuerySelectorAll("link[href], script[src]")
            .Select(e => e.GetAttribute("href") ?? e.GetAttribute("src")!)
            .Where(a => a.StartsWith('/'))
            .Concat(page.QuerySelectorAll("script[data-local]").Select(e => e.GetAttribute("data-local")!))
            .Concat(["/js/reader.js", "/js/ask.js", "/js/keys.js", "/js/flash.js", "/js/ended.js", "/js/fallback.js"]) // loaded when they are wanted
            .ToList();
        Assert.Equal(12, addresses.Count);
        foreach (var address in addresses)
        {
            using var response = await http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.InRange((await response.Content.ReadAsByteArrayAsync(Cancellation)).Length, 200, 200_000);
        }
    }
}
