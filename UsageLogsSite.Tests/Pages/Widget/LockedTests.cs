using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Widget;

/// <summary>Locked means locked: whatever is asked, a widget shows what its maker chose, or one and the same 404.</summary>
public sealed class LockedTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task No_parameter_changes_what_is_locked()
    {
        string[] cases =
        [
            "?type=all",
            "?type=internal&type=all",
            "?activity=inactive",
            "?period=all",
            "?q=",
            "?q=User",
            "?size=100",
            "?SIZE=100&Type=internal",
            "?sort=cost&dir=asc", // a column that is hidden
            "?dir=asc",
            "?before=1-00000000000000000000000000000000",
            "?columns=cost&user_id=1&theme=dark&handler=State&id=1&_=1",
            "?%74ype=all&type%00=all",
        ];
        await Database.AddUsersAsync(15);
        await Database.AddUsersAsync(3, "internal");
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync("?type=external&q=User&size=10", columns: ["requests"]);
        using var nobody = new Visit(site.Address);
        await Assert.AllAsync(cases, async query =>
        {
            foreach (var part in new[] { "", "/table" })
            {
                using var plain = await nobody.GetAsync(path + part);
                using var asked = await nobody.GetAsync(path + part + query);
                Assert.Equal(await plain.Content.ReadAsStringAsync(Cancellation), await asked.Content.ReadAsStringAsync(Cancellation));
            }
        });
    }

    [Fact]
    public async Task No_parameter_widens_a_viewers_widget()
    {
        string[] cases =
        [
            "?type=all&activity=inactive&q=",
            "?period=all",
            "?period=30d&from=2000-01-01&to=2100-01-01",
            "?size=100&SIZE=100&page=2",
            "?sort=cost&dir=asc",
            "?before=",
            "?before=x&before=1-00000000000000000000000000000000",
            "?user={0}&userId={0}&user_id={0}&id={0}&sub={0}&scope={0}",
            "?columns=cost&theme=dark&handler=State&_=1&version=1",
            "?%75ser={0}&user%00={0}&token={0}",
        ];
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        for (var i = 0; i < 15; i++)
        {
            await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddDays(-2 * i));
            await Database.AddLogAsync(bob, at: DateTime.UtcNow.AddDays(-i));
        }

        await using var site = await Site.StartAsync(Database);
        var path = (await site.AddViewerWidgetAsync(["requests"], filter: "?period=7d&size=10")).PathOf(ann);
        using var nobody = new Visit(site.Address);
        await Assert.AllAsync(cases, async query =>
        {
            foreach (var part in new[] { "", "/table" })
            {
                using var plain = await nobody.GetAsync(path + part);
                using var asked = await nobody.GetAsync(path + part + string.Format(System.Globalization.CultureInfo.InvariantCulture, query, bob));
                Assert.Equal(await plain.Content.ReadAsStringAsync(Cancellation), await asked.Content.ReadAsStringAsync(Cancellation));
            }
        });
    }

    [Fact]
    public async Task No_header_brings_the_differences_or_the_versions_of_other_tables()
    {
        await Database.AddUsersAsync(15);
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync(columns: []);
        await using var stream = await SseReader.OpenAsync(site);
        await using var widget = await SseReader.OpenAsync(site, path: path + "/events");
        var version = (await stream.NextAsync()).Data;
        Assert.NotEqual(version, (await widget.NextAsync()).Data);
        using var nobody = new Visit(site.Address, site.Cookie);
        using var answer = await nobody.GetAsync(path + "/table", ("If-None-Match", $"\"{version}\""), ("A-IM", "usage-rows"), ("HX-Request", "true"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.DoesNotContain("td class=\"cost\"", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_not_exactly_a_widget_gets_one_and_the_same_answer_and_leaves_no_token_behind()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Logging:LogLevel:Microsoft.AspNetCore"] = "Debug", ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "Debug" });
        var (revoked, gone) = await site.AddWidgetAsync();
        await Database.ExecuteAsync("UPDATE embeds SET revoked_at = now() WHERE id = $1", revoked);
        var (_, expired) = await site.AddWidgetAsync(expires: DateTime.UtcNow.AddDays(-1));
        var (_, plain) = await site.AddWidgetAsync(origins: ["https://shop.example"]);
        var expected = await Wire.AskAsync(site, "GET", "/embed/" + new string('a', 43));
        Assert.StartsWith("HTTP/1.1 404", expected, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", expected, StringComparison.Ordinal);
        foreach (var address in (string[])[gone, gone + "/table", gone + "/events", expired, "/embed/", "/embed/-", "/embed/-/table", "/embed/x", "/embed/.", "/embed/..x"])
            Assert.Equal((address, expected), (address, await Wire.AskAsync(site, "GET", address)));
        await AssertLockedAsync(site, plain, expected);
        var ann = await Database.AddUserAsync("Ann");
        await site.FoldedAsync(); // what is compared stays as it is
        await AssertLockedAsync(site, (await site.AddViewerWidgetAsync()).PathOf(ann), expected);
        Assert.True(site.Logs.Says("/embed/-"), "requests are logged at all");
    }

    private static async Task AssertLockedAsync(Site site, string path, string expected)
    {
        var token = path["/embed/".Length..];
        string[] wrong =
        [
            "/Embed/" + token, "/EMBED/" + token, "//embed/" + token, "/embed//" + token, path + "/", path + "//", path + "//table", path + "/Table",
            path + "/table/", path + "/table/..", path + "/export.csv", path + "/events/x", path + "/./table", path + "/%2e/table", path + "%2ftable",
            path + "/%74able", "/embed/%" + Convert.ToHexString([(byte)token[0]]) + token[1..], "/%65mbed/" + token, path + "%20", path + ";x", path + "\\table",
            "/usage/../embed/" + token, "/usage/%2e%2e/embed/" + token, "/embed/" + token.ToUpperInvariant() + "a", path[..^1], path + "a",
        ];
        foreach (var address in wrong)
            Assert.Equal((address, expected), (address, await Wire.AskAsync(site, "GET", address)));
        const string Form = "Content-Type: application/x-www-form-urlencoded\r\n";
        foreach (var method in new[] { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "QUERY", "TRACE" })
        {
            Assert.Equal((method, expected), (method, await Wire.AskAsync(site, method, path)));
            Assert.Equal((method, expected), (method, await Wire.AskAsync(site, method, path + "/table?handler=State", Form, "type=all&size=100&handler=State&_method=GET")));
            Assert.Equal((method, expected), (method, await Wire.AskAsync(site, method, path, "X-HTTP-Method-Override: GET\r\nX-HTTP-Method: GET\r\nX-Method-Override: GET\r\n")));
        }

        // What looks like another address, or like a body, changes nothing of the answer.
        var table = await Wire.AskAsync(site, "GET", path + "/table");
        foreach (var headers in (string[])["X-Original-URL: /usage\r\n", "X-Rewrite-URL: /usage\r\n", "X-HTTP-Method-Override: DELETE\r\n", "X-Forwarded-Prefix: /usage\r\n", "HX-Request: false\r\n", Form])
            Assert.Equal((headers, table), (headers, await Wire.AskAsync(site, "GET", path + "/table?handler=State", headers, headers == Form ? "type=all&size=100" : "")));

        Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", path), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", path + "/table?x=1"), StringComparison.Ordinal);
        await using var stream = await SseReader.OpenAsync(site, path: path + "/events");
        await stream.NextAsync();
        Assert.False(site.Logs.Says(token), "no log has the token");
        foreach (var page in new[] { "/usage", "/admin/rollup" })
            Assert.DoesNotContain(token, (await site.GetPageAsync(page)).Source.Text, StringComparison.Ordinal);
    }
}
