using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Filters;

/// <summary>Nothing that a client can send is a 500, is executed, or comes back unescaped.</summary>
public sealed class FuzzTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string[] Parameters = ["type", "activity", "period", "q", "chart", "trend", "sort", "dir", "page", "size", "version", "handler", "area", "page\0"];

    private static readonly string[] Values =
    [
        "", " ", "0", "-1", "1.5", "NaN", "2147483648", "-9223372036854775809", "99999999999999999999999999", "0x10", "１２",
        "'", "''", "';DROP TABLE users;--", "1 OR 1=1", "\\", "\\'; SELECT pg_sleep(9)--", "%", "_", "%%%%%%%%%%%%", "$1", "{0}", "{{7*7}}",
        "<img src=x onerror=alert(1)>", "\"><script>alert(1)</script>", "' hx-get='/evil", "javascript:alert(1)", "&amp;&lt;", "</section>",
        "\0", "a\0b", "\r\nSet-Cookie: a=b", "\u202Egnp.exe", "\u200B", "ﷺ", "😀", "e\u0301", "İ", "ß", new string('x', 3000), string.Concat(Enumerable.Repeat("😀", 300)),
        "../../etc/passwd", "table", "events", "all,external", "0000-00", "9999-12", "2026-02-30", "[]", "null", "undefined", "true",
    ];

    [Fact]
    public async Task No_parameter_breaks_the_site()
    {
        await Database.AddUserAsync("<img src=x onerror=alert(1)>");
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        var turn = 0; // a short run asks one address for each value, every one in turn
        foreach (var parameter in Parameters)
        {
            foreach (var value in Values)
            {
                var query = $"?{Uri.EscapeDataString(parameter)}={Uri.EscapeDataString(value)}";
                string[] addresses = ["/usage" + query, "/usage/table" + query, "/usage/table" + query + query.Replace('?', '&')];
                foreach (var address in Support.Run.IsLong ? addresses : [addresses[turn++ % addresses.Length]])
                    await AssertHarmlessAsync(site, address);
            }
        }

        var user = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 001'");
        foreach (var parameter in new[] { "model", "status", "period", "purchases", "before", "size" })
        {
            foreach (var value in Values)
            {
                string[] addresses = [$"/users/{user}", $"/users/{user}/table"];
                foreach (var address in Support.Run.IsLong ? addresses : [addresses[turn++ % addresses.Length]])
                    await AssertHarmlessAsync(site, $"{address}?{parameter}={Uri.EscapeDataString(value)}", "/users/");
            }
        }

        foreach (var raw in new[] { "/usage?q=%ED%A0%80", "/usage?q=%FF%FE", "/usage?%", "/usage?=&&=", "/usage?q=%00%00", "/usage?page=%31%30", "/usage/table/../table", "/usage//table", "/usage/nothing", "/USAGE" })
            await AssertHarmlessAsync(site, raw);
        Assert.Equal(31L, await Database.ScalarAsync<long>("SELECT count(*) FROM users"));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task No_header_breaks_the_site()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        foreach (var header in new[] { "If-None-Match", "HX-Current-URL", "HX-Source", "HX-Request", "Last-Event-ID", "Accept", "HX-Target" })
        {
            foreach (var value in new[] { "*", "W/\"x\"", "\"", "not an etag", "http://[", "/usage", "javascript:alert(1)", new string('a', 4000), "<script>" })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/usage/table?page=2");
                request.Headers.TryAddWithoutValidation(header, value);
                using var response = await site.Http.SendAsync(request, Cancellation);
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotModified or HttpStatusCode.BadRequest, $"{header}: {value} gave {response.StatusCode}");
            }
        }

        foreach (var method in new[] { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE" })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/usage");
            using var response = await site.Http.SendAsync(request, Cancellation);
            Assert.True((int)response.StatusCode < 500, $"{method} gave {response.StatusCode}: {string.Join(" / ", site.Logs.Errors)}");
        }

        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_search_is_taken_literally_and_without_regard_to_case()
    {
        (string Search, int Found)[] cases =
        [
            ("%", 1),
            ("_", 1),
            ("\\", 1),
            ("100%_\\", 1),
            ("ŁUKASZ", 1),
            ("lukasz", 0),
            ("EXAMPLE.test", 2),
        ];
        await Database.AddUserAsync("100%_\\");
        await Database.AddUserAsync("Łukasz");
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (search, found) = @case;
            Assert.Equal(found, (await site.GetPageAsync("/usage?q=" + Uri.EscapeDataString(search))).QuerySelectorAll("tbody tr").Length);
        });
    }

    private static async Task AssertHarmlessAsync(Site site, string address, string home = "/usage")
    {
        using var response = await site.Http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
        Assert.True(
            response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Redirect or HttpStatusCode.NotFound or HttpStatusCode.BadRequest,
            $"{address} gave {(int)response.StatusCode}");
        if (response.Headers.Location is { } location)
        {
            Assert.StartsWith(home, location.ToString(), StringComparison.Ordinal);
            using var next = await site.Http.GetAsync(location, Cancellation);
            Assert.Equal(HttpStatusCode.OK, next.StatusCode);
        }

        var body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.DoesNotContain("<img", body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<script>", body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("hx-get='/evil", body, StringComparison.Ordinal);
    }
}
