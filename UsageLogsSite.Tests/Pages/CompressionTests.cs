using System.IO.Compression;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages;

public sealed class CompressionTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("", null)]
    public async Task Pages_and_files_are_compressed_as_the_browser_can_take_it(string accepted, string? encoding)
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        foreach (var address in new[] { "/usage", "/account", "/usage/export.csv" })
        {
            using var response = await visit.GetAsync(address, ("Accept-Encoding", accepted));
            Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
        }
    }

    [Fact]
    public async Task A_compressed_page_is_whole()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        using var response = await visit.GetAsync("/usage", ("Accept-Encoding", "br"));
        await using var plain = new BrotliStream(await response.Content.ReadAsStreamAsync(Cancellation), CompressionMode.Decompress);
        using var reader = new StreamReader(plain);
        Assert.EndsWith("</html>", (await reader.ReadToEndAsync(Cancellation)).TrimEnd(), StringComparison.Ordinal);
    }

    /// <summary>BREACH: the size of an answer must say nothing about rows to who chose a part of it.</summary>
    [Theory]
    [InlineData("/usage?q=guess", "cross-site", null)]
    [InlineData("/usage/table?q=guess", "cross-site", null)]
    [InlineData("/usage", "cross-site", "br")]
    [InlineData("/usage?q=guess", "same-origin", "br")]
    [InlineData("/usage?q=guess", "none", "br")]
    public async Task What_another_site_has_a_reader_ask_is_not_compressed(string address, string from, string? encoding)
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        using var response = await visit.GetAsync(address, ("Accept-Encoding", "br"), ("Sec-Fetch-Site", from));
        Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
    }

    [Fact]
    public async Task A_stream_is_not_compressed()
    {
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        Assert.Equal(["identity"], stream.Response.Content.Headers.ContentEncoding);
    }
}
