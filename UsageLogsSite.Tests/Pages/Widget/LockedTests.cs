using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Widget;

/// <summary>Locked means locked: whatever is asked, a widget shows what its maker chose, or one and the same 404.</summary>
public sealed class LockedTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("?type=all")]
    [InlineData("?type=internal&type=all")]
    [InlineData("?activity=inactive")]
    [InlineData("?period=all")]
    [InlineData("?q=")]
    [InlineData("?q=User")]
    [InlineData("?size=100")]
    [InlineData("?SIZE=100&Type=internal")]
    [InlineData("?sort=cost&dir=asc")] // a column that is hidden
    [InlineData("?dir=asc")]
    [InlineData("?before=1-00000000000000000000000000000000")]
    [InlineData("?columns=cost&user_id=1&theme=dark&handler=State&id=1&_=1")]
    [InlineData("?%74ype=all&type%00=all")]
    public async Task No_parameter_changes_what_is_locked(string query)
    {
        await Database.AddUsersAsync(15);
        await Database.AddUsersAsync(3, "internal");
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync("?type=external&q=User&size=10", columns: ["requests"]);
        using var nobody = new Visit(site.Address);
        foreach (var part in new[] { "", "/table" })
        {
            using var plain = await nobody.GetAsync(path + part);
            using var asked = await nobody.GetAsync(path + part + query);
            Assert.Equal(await plain.Content.ReadAsStringAsync(Cancellation), await asked.Content.ReadAsStringAsync(Cancellation));
        }
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
        var (_, path) = await site.AddWidgetAsync(origins: ["https://shop.example"]);
        var token = path["/embed/".Length..];
        string[] wrong =
        [
            "/embed/" + new string('a', 43), gone, gone + "/table", gone + "/events", expired, "/embed/", "/embed/-", "/embed/-/table", "/embed/x",
            "/Embed/" + token, "/EMBED/" + token, "//embed/" + token, "/embed//" + token, path + "/", path + "//", path + "//table", path + "/Table",
            path + "/table/", path + "/table/..", path + "/export.csv", path + "/events/x", path + "/./table", path + "/%2e/table", path + "%2ftable",
            path + "/%74able", "/embed/%" + Convert.ToHexString([(byte)token[0]]) + token[1..], "/%65mbed/" + token, path + "%20", path + ";x", path + "\\table",
            "/usage/../embed/" + token, "/usage/%2e%2e/embed/" + token, "/embed/" + token.ToUpperInvariant() + "a", path[..^1], path + "a",
        ];
        var expected = await Wire.AskAsync(site, "GET", wrong[0]);
        Assert.StartsWith("HTTP/1.1 404", expected, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", expected, StringComparison.Ordinal);
        foreach (var address in wrong)
            Assert.Equal((address, expected), (address, await Wire.AskAsync(site, "GET", address)));
        foreach (var method in new[] { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "QUERY" })
            Assert.Equal((method, expected), (method, await Wire.AskAsync(site, method, path)));

        Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", path), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", path + "/table?x=1"), StringComparison.Ordinal);
        await using var stream = await SseReader.OpenAsync(site, path: path + "/events");
        await stream.NextAsync();
        Assert.True(site.Logs.Says("/embed/-"), "requests are logged at all");
        Assert.False(site.Logs.Says(token), "no log has the token");
        foreach (var page in new[] { "/usage", "/admin/rollup" })
            Assert.DoesNotContain(token, (await site.GetPageAsync(page)).Source.Text, StringComparison.Ordinal);
    }
}
