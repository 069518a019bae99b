using System.IO.Compression;
using System.Net;
using System.Text;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>The page and its fragment over HTTP: encodings, versions, addresses.</summary>
public sealed class UsageTableTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task The_fragment_comes_in_the_best_encoding_the_client_accepts()
    {
        (string Accepts, string? Encoding)[] cases =
        [
            ("", null),
            ("identity", null),
            ("gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("brotli, xgzip", null),
        ];
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (accepts, encoding) = @case;
            using var response = await GetAsync(site, "/usage/table", ("Accept-Encoding", accepts));
            Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
            Assert.Equal("Accept-Encoding", response.Headers.Vary.Single());
            await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
            await using Stream plain = encoding switch
            {
                "br" => new BrotliStream(body, CompressionMode.Decompress),
                "gzip" => new GZipStream(body, CompressionMode.Decompress),
                _ => body,
            };
            using var reader = new StreamReader(plain, Encoding.UTF8);
            var markup = await reader.ReadToEndAsync(Cancellation);
            Assert.Contains("User 001", markup, StringComparison.Ordinal);
            Assert.Contains((await site.GetPageAsync("/usage")).QuerySelector("#refresh")!.GetAttribute("data-version")!, markup, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_version_that_is_shown_already_is_a_304_without_a_body()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var first = await GetAsync(site, "/usage/table");
        var etag = first.Headers.ETag!.ToString();
        using var same = await GetAsync(site, "/usage/table", ("If-None-Match", etag));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        Assert.Equal(etag, same.Headers.ETag!.ToString());
        Assert.Empty(await same.Content.ReadAsByteArrayAsync(Cancellation));

        await Database.AddLogAsync(ann);
        await site.FoldedAsync();
        using var changed = await GetAsync(site, "/usage/table", ("If-None-Match", etag));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.NotEqual(etag, changed.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task Who_can_put_differences_together_gets_only_these()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddUsersAsync(9);
        await using var site = await Site.StartAsync(Database);
        await using var watching = await SseReader.OpenAsync(site);
        await watching.NextAsync();
        using var first = await GetAsync(site, "/usage/table");
        var etag = first.Headers.ETag!.ToString();
        await Database.AddLogAsync(ann);
        await watching.NextAsync();

        using var whole = await GetAsync(site, "/usage/table", ("If-None-Match", etag));
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        Assert.Contains("User 001", await whole.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        using var differences = await GetAsync(site, "/usage/table", ("If-None-Match", etag), ("A-IM", "usage-rows"), ("Accept-Encoding", "br"), ("HX-Request", "true"));
        Assert.Equal(HttpStatusCode.IMUsed, differences.StatusCode);
        Assert.Equal("usage-rows", differences.Headers.GetValues("IM").Single());
        Assert.Equal(whole.Headers.ETag!.ToString(), differences.Headers.ETag!.ToString());
        Assert.InRange(differences.Content.Headers.ContentLength!.Value + differences.Headers.ToString().Length, 1, 1_300);

        using var unknown = await GetAsync(site, "/usage/table", ("If-None-Match", "\"unknown\""), ("A-IM", "usage-rows"));
        Assert.Equal(HttpStatusCode.OK, unknown.StatusCode);
    }

    [Fact]
    public async Task The_version_is_the_same_on_every_instance_and_after_a_restart()
    {
        await Database.AddUsersAsync(3);
        await using var one = await Site.StartAsync(Database);
        await using var other = await Site.StartAsync(Database);
        using var here = await GetAsync(one, "/usage/table?sort=cost");
        using var there = await GetAsync(other, "/usage/table?sort=cost");
        Assert.Equal(here.Headers.ETag, there.Headers.ETag);
    }

    [Fact]
    public async Task The_address_bar_follows_the_reader_and_never_a_background_refresh()
    {
        (string Asked, string Shown, string Source, string Header, string? Address)[] cases =
        [
            ("/usage/table?page=2", "/usage", "button#x", "HX-Push-Url", "/usage?page=2"),
            ("/usage/table?type=all&q=", "/usage?q=x", "form#filters", "HX-Push-Url", "/usage"),
            ("/usage/table", "/usage", "a#refresh-now", "HX-Push-Url", null),
            ("/usage/table?page=2", "/usage?page=2", "div#refresh", "HX-Push-Url", null),
            ("/usage/table?page=99", "/usage?page=99", "div#refresh", "HX-Replace-Url", "/usage?page=2"),
        ];
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (asked, shown, source, header, address) = @case;
            using var response = await GetAsync(site, asked, ("HX-Request", "true"), ("HX-Source", source), ("HX-Current-URL", new Uri(site.Address, shown).ToString()));
            Assert.Equal(address, response.Headers.TryGetValues(header, out var values) ? values.Single() : null);
        });
    }

    [Fact]
    public async Task Every_address_leads_to_its_canonical_form()
    {
        (string Asked, string Canonical)[] cases =
        [
            ("/", "/usage"),
            ("/usage?page=99", "/usage?page=2"),
            ("/usage?type=all&activity=all&q=&size=25", "/usage"),
            ("/usage?page=abc&type=internal", "/usage?type=internal"),
            ("/usage?period=2026-13&type=internal", "/usage?type=internal"),
            ("/usage?period=all&q=user", "/usage?q=user"),
        ];
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (asked, canonical) = @case;
            using var response = await GetAsync(site, asked);
            Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
            Assert.Equal(canonical, response.Headers.Location!.ToString());
        });
    }

    [Fact]
    public async Task An_empty_product_and_an_empty_filter_say_what_is_the_case()
    {
        await using var site = await Site.StartAsync(Database);
        Assert.Contains("No users yet", (await site.GetPageAsync("/usage")).QuerySelector(".empty")!.TextContent, StringComparison.Ordinal);
        var filtered = (await site.GetPageAsync("/usage?type=internal")).QuerySelector(".empty")!;
        Assert.Contains("No user matches this filter", filtered.TextContent, StringComparison.Ordinal);
        Assert.Equal("/usage", filtered.QuerySelector("a")!.GetAttribute("href"));
    }

    [Theory]
    [InlineData("", "all")]
    [InlineData("?period=last-month", "last-month")]
    [InlineData("?period=1999-12", "1999-12")]
    public async Task The_chosen_period_is_selected_and_a_month_beyond_the_offered_ones_is_offered_too(string query, string selected)
    {
        await using var site = await Site.StartAsync(Database);
        var page = await site.GetPageAsync("/usage" + query);
        Assert.Equal(selected, page.QuerySelectorAll("select[name=period] option[selected]").Single().GetAttribute("value"));
        Assert.Equal(query.Length > 0, page.QuerySelector("#dates") is not null);
    }

    [Fact]
    public async Task Sums_of_a_period_say_how_they_differ_from_the_one_before()
    {
        var ann = await Database.AddUserAsync("Ann");
        for (var i = 0; i < 5; i++)
            await Database.AddLogAsync(ann, 1, DateTime.UtcNow.AddDays(i < 2 ? -8 : -3));
        await using var site = await Site.StartAsync(Database);
        var page = await site.GetPageAsync("/usage?period=7d");
        Assert.Equal("↑ +50 %", page.QuerySelector("#total-requests + .change [aria-hidden]")!.TextContent);
        Assert.Equal("50 % more than in the 7 days before by this hour", page.QuerySelector("#total-cost + .change .visually-hidden")!.TextContent);
        Assert.Null(page.QuerySelector("#total-revenue + .change"));
        Assert.Null((await site.GetPageAsync("/usage?period=7d&q=ann")).QuerySelector(".change"));
        Assert.Null((await site.GetPageAsync("/usage")).QuerySelector(".change"));
    }

    [Fact]
    public async Task Each_column_orders_both_ways()
    {
        (string Sort, string Names)[] cases =
        [
            ("requests", "User 3,User 2,User 1"),
            ("cost", "User 1,User 3,User 2"),
            ("revenue", "User 2,User 3,User 1"),
            ("name", "User 1,User 2,User 3"),
            ("last-activity", "User 3,User 1,User 2"),
        ];
        var users = new[] { await Database.AddUserAsync("User 1"), await Database.AddUserAsync("User 2"), await Database.AddUserAsync("User 3") };
        await Database.AddLogAsync(users[0], 9, DateTime.UtcNow.AddHours(-1));
        await Database.AddLogAsync(users[1], 0, DateTime.UtcNow.AddHours(-2));
        await Database.AddLogAsync(users[1], 1, DateTime.UtcNow.AddHours(-3));
        for (var i = 0; i < 3; i++)
            await Database.AddLogAsync(users[2], 2);
        await Database.AddPurchaseAsync(users[1], 10, "completed");
        await Database.AddPurchaseAsync(users[2], 5, "completed");
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (sort, names) = @case;
            Assert.Equal(names, await NamesAsync(site, $"/usage/table?sort={sort}"));
            Assert.Equal(string.Join(',', names.Split(',').Reverse()), await NamesAsync(site, $"/usage/table?sort={sort}&dir={(sort == "name" ? "desc" : "asc")}"));
        });
    }

    private static async Task<string> NamesAsync(Site site, string address) =>
        string.Join(',', (await site.GetPageAsync(address)).QuerySelectorAll("tbody .name").Select(n => n.TextContent));

    private static async Task<HttpResponseMessage> GetAsync(Site site, string address, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await site.Http.SendAsync(request, Cancellation);
    }
}
