using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AngleSharp.Html.Dom;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Widget;

/// <summary>Widgets that show each viewer their own usage: whom a token lets in, and that nothing else does.</summary>
public sealed class ViewerTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    [Fact]
    public async Task Each_viewer_sees_their_own_usage_and_nobody_an_error()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        for (var i = 0; i < 12; i++)
            await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddMinutes(-i));
        await Database.AddLogAsync(bob);
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        Assert.Equal("12", (await PageAsync(site, widget.PathOf(ann))).QuerySelector("#total-requests data")!.GetAttribute("value"));
        Assert.Equal("1", (await PageAsync(site, widget.PathOf(bob))).QuerySelector("#total-requests data")!.GetAttribute("value"));
        Assert.Contains("No usage yet", (await PageAsync(site, widget.PathOf(Guid.NewGuid()))).Body!.TextContent, StringComparison.Ordinal);
        Assert.Contains("No usage yet", (await PageAsync(site, widget.PathOf(Guid.Empty))).Body!.TextContent, StringComparison.Ordinal);

        var path = widget.PathOf(ann);
        var page = await PageAsync(site, path);
        Assert.All(page.QuerySelectorAll("a"), a => Assert.StartsWith(path + "?before=", a.GetAttribute("href"), StringComparison.Ordinal));
        var older = await PageAsync(site, page.QuerySelector("#next")!.GetAttribute("href")!);
        Assert.Equal(2, older.QuerySelectorAll("tr[data-log-id]").Length);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task Any_library_may_sign()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        string[] good =
        [
            $$"""{"aud":["usage-embed"],"sub":"{{ann}}","exp":{{Now + 600}}}""",
            $$"""{"aud":"usage-embed","sub":"{{ann}}","exp":{{Now + 60}}.5,"iat":{{Now}}.25,"nbf":{{Now}},"iss":"https://shop.example","jti":"x","more":{"a":[1]} }""",
            $$"""{"aud":"usage-embed","sub":"{{ann}}","exp":{{Now + 620}},"iat":{{Now + 20}},"nbf":{{Now + 20}}}""", // a clock that is ahead
        ];
        foreach (var payload in good)
        {
            Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", "/embed/" + widget.Sign(widget.Header(), payload)), StringComparison.Ordinal);
            Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", "/embed/" + widget.Sign(Header(widget.Id.ToString()), payload) + "/table"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Whatever_is_wrong_with_a_token_is_answered_with_the_same_bytes()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync(origins: ["https://shop.example"]);
        var expected = await Wire.AskAsync(site, "GET", "/embed/" + new string('a', 43));
        Assert.StartsWith("HTTP/1.1 404", expected, StringComparison.Ordinal);
        foreach (var (what, token) in await WrongAsync(site, widget, ann))
        {
            foreach (var part in new[] { "", "/table", "/events" })
                Assert.Equal((what, expected), (what, await Wire.AskAsync(site, "GET", $"/embed/{token}{part}")));
        }

        Assert.StartsWith("HTTP/1.1 200", await Wire.AskAsync(site, "GET", widget.PathOf(ann)), StringComparison.Ordinal);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_secret_that_cannot_be_read_lets_nobody_in()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        await Database.ExecuteAsync("UPDATE embeds SET secret = 'not ours'");
        Assert.StartsWith("HTTP/1.1 404", await Wire.AskAsync(site, "GET", widget.PathOf(ann)), StringComparison.Ordinal);
        Assert.Contains(widget.Id.ToString(), Assert.Single(site.Logs.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Neither_secret_nor_token_is_in_logs_or_tables()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Logging:LogLevel:Microsoft.AspNetCore"] = "Debug" });
        var widget = await site.AddViewerWidgetAsync();
        var token = widget.TokenOf(ann);
        await using (var stream = await SseReader.OpenAsync(site, path: $"/embed/{token}/events"))
            await stream.NextAsync();
        foreach (var target in new[] { $"/embed/{token}", $"/embed/{token}/table", $"/embed/{token}.x", $"//embed/{token}", $"/embed/{token}x" })
            await Wire.AskAsync(site, "GET", target);
        Assert.True(site.Logs.Says("/embed/-"), "requests are logged at all");
        foreach (var secret in (string[])[token, token.Split('.')[1], token.Split('.')[2], widget.Secret])
            Assert.False(site.Logs.Says(secret), $"a log has {secret}");
        Assert.DoesNotContain(Convert.ToHexString(Encoding.ASCII.GetBytes(widget.Secret)), await Database.ScalarAsync<string>("SELECT upper(encode(secret, 'hex')) FROM embeds"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_ends_when_its_token_does_and_only_that_one()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        await using var shortly = await SseReader.OpenAsync(site, path: widget.PathOf(ann, TimeSpan.FromSeconds(3)) + "/events");
        await using var longer = await SseReader.OpenAsync(site, path: widget.PathOf(ann) + "/events");
        await shortly.NextAsync();
        await longer.NextAsync();
        await Database.AddLogAsync(ann);
        await shortly.NextAsync();
        await shortly.NextAsync("session-ended").WaitAsync(TimeSpan.FromSeconds(3) + Limit, Cancellation);
        await shortly.Ended.WaitAsync(Limit, Cancellation);
        Assert.False(longer.Ended.IsCompleted);
    }

    [Theory]
    [InlineData("UPDATE embeds SET revoked_at = now() WHERE id = $1")]
    [InlineData("UPDATE embeds SET expires_at = now() WHERE id = $1")]
    [InlineData("DELETE FROM embeds WHERE id = $1")]
    public async Task Streams_of_all_viewers_end_within_seconds_when_the_widget_does(string how)
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        var path = widget.PathOf(ann);
        await using var anns = await SseReader.OpenAsync(site, path: path + "/events");
        await using var bobs = await SseReader.OpenAsync(site, path: widget.PathOf(bob) + "/events");
        await anns.NextAsync();
        await bobs.NextAsync();
        await Database.ExecuteAsync(how, widget.Id);
        await anns.NextAsync("session-ended").WaitAsync(Limit, Cancellation);
        await bobs.NextAsync("session-ended").WaitAsync(Limit, Cancellation);
        using var nobody = new Visit(site.Address);
        using var answer = await nobody.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task An_expiry_of_the_widget_ends_what_a_longer_token_has_opened()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync(expires: DateTime.UtcNow.AddSeconds(2));
        await using var stream = await SseReader.OpenAsync(site, path: widget.PathOf(ann) + "/events");
        await stream.NextAsync("session-ended").WaitAsync(TimeSpan.FromSeconds(2) + Limit, Cancellation);
    }

    private static async Task<List<(string What, string Token)>> WrongAsync(Site site, ViewerWidget widget, Guid ann)
    {
        var (good, id) = (widget.TokenOf(ann), widget.Id);
        var parts = good.Split('.');
        var (revoked, expired, other) = (await site.AddViewerWidgetAsync(), await site.AddViewerWidgetAsync(expires: DateTime.UtcNow.AddDays(-1)), await site.AddViewerWidgetAsync());
        await site.Services.GetRequiredService<Embeds>().RevokeAsync(revoked.Id, Cancellation);
        var (plain, _) = await site.AddWidgetAsync();
        using var rsa = RSA.Create(2048);
        return
        [
            ("another's secret", other.Sign(widget.Header(), Payload(ann))),
            ("another's widget", widget.Sign(other.Header(), Payload(ann))),
            ("revoked", revoked.TokenOf(ann)),
            ("expired widget", expired.TokenOf(ann)),
            ("kid of a plain widget", widget.Sign(Header(plain.ToString()), Payload(ann))),
            ("kid unknown", widget.Sign(Header(Guid.NewGuid().ToString()), Payload(ann))),
            ("kid in capitals", widget.Sign(Header(id.ToString().ToUpperInvariant()), Payload(ann))),
            ("kid in braces", widget.Sign(Header(id.ToString("B")), Payload(ann))),
            ("kid of SQL", widget.Sign(Header("' OR 1=1 --"), Payload(ann))),
            ("kid missing", widget.Sign("""{"alg":"HS256"}""", Payload(ann))),
            ("kid a number", widget.Sign("""{"alg":"HS256","kid":1}""", Payload(ann))),
            ("alg none", $"{Encode(widget.Header("none"))}.{Encode(Payload(ann))}."),
            ("alg none, signed", widget.Sign(widget.Header("none"), Payload(ann))),
            ("alg None", widget.Sign(widget.Header("None"), Payload(ann))),
            ("alg in small letters", widget.Sign(widget.Header("hs256"), Payload(ann))),
            ("alg missing", widget.Sign($$"""{"kid":"{{id}}"}""", Payload(ann))),
            ("alg HS512", widget.Sign(widget.Header("HS512"), Payload(ann), HMACSHA512.HashData)),
            ("alg HS512, signed as HS256", widget.Sign(widget.Header("HS512"), Payload(ann))),
            ("alg HS256, signed as HS512", widget.Sign(widget.Header(), Payload(ann), HMACSHA512.HashData)),
            ("alg RS256", widget.Sign(widget.Header("RS256"), Payload(ann), (_, text) => rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))),
            ("alg RS256, signed as HS256", widget.Sign(widget.Header("RS256"), Payload(ann))),
            ("a key in the header", other.Sign($$"""{"alg":"HS256","kid":"{{id}}","jwk":{"k":"{{Encode(other.Secret)}}","kty":"oct"} }""", Payload(ann))),
            ("what must be understood", widget.Sign($$"""{"alg":"HS256","kid":"{{id}}","crit":["b64"],"b64":true}""", Payload(ann))),
            .. Claims(ann).Select(wrong => (wrong.What, widget.Sign(widget.Header(), wrong.Payload))),
            ("no signature", $"{parts[0]}.{parts[1]}."),
            ("no third part", $"{parts[0]}.{parts[1]}"),
            ("two signatures", $"{good}.{parts[2]}"),
            ("trailing dot", good + "."),
            ("leading dot", "." + good),
            ("padding", good + "="),
            ("padding, escaped", good + "%3D"),
            ("escaped", "%65" + good[1..]),
            ("signature cut", good[..^1]),
            ("signature longer", good + "A"),
            ("signature written otherwise", good[..^1] + Twin(good[^1])),
            ("another payload", $"{parts[0]}.{Encode(Payload(Guid.NewGuid()))}.{parts[2]}"),
            ("very long", widget.Sign(widget.Header(), Payload(ann, more: $",\"x\":\"{new string('x', 1200)}\""))),
            ("longest", $"{parts[0]}.{new string('A', 6000)}.{parts[2]}"),
            ("five parts", $"{good}.{parts[1]}.{parts[2]}"),
            ("no JSON", widget.Sign("alg", "sub")),
            ("header of a list", widget.Sign("[]", Payload(ann))),
            ("header of null", widget.Sign("null", Payload(ann))),
            ("payload of a list", widget.Sign(widget.Header(), "[1]")),
            ("payload of null", widget.Sign(widget.Header(), "null")),
            ("payload of nothing", widget.Sign(widget.Header(), "{}")),
            ("bytes", $"{parts[0]}.{ViewerWidget.Encode([0xFF, 0xFE, 0x00])}.{parts[2]}"),
            ("dots", "..."),
            ("a part of one character", "a.b.c"),
        ];
    }

    private static IEnumerable<(string What, string Payload)> Claims(Guid ann)
    {
        var (now, sub) = (Now, $"\"sub\":\"{ann}\"");
        yield return ("aud missing", $"{{{sub},\"exp\":{now + 60}}}");
        yield return ("aud other", Payload(ann).Replace("usage-embed", "usage", StringComparison.Ordinal));
        yield return ("aud in capitals", Payload(ann).Replace("usage-embed", "Usage-Embed", StringComparison.Ordinal));
        yield return ("aud and another", Payload(ann).Replace("\"usage-embed\"", "[\"usage-embed\",\"shop\"]", StringComparison.Ordinal));
        yield return ("aud empty", Payload(ann).Replace("\"usage-embed\"", "[]", StringComparison.Ordinal));
        yield return ("aud a number", Payload(ann).Replace("\"usage-embed\"", "1", StringComparison.Ordinal));
        foreach (var exp in (string[])[$"{now - 1}", $"{now}", $"{now + 700}", $"{now + 86_400}", "0", "-1", "9999999999999", "1e99", "null", "true", "{}", "[]", $"\"{now + 60}x\"", "\"\""])
            yield return ($"exp {exp}", $"{{\"aud\":\"usage-embed\",{sub},\"exp\":{exp}}}");
        yield return ("exp missing", $"{{\"aud\":\"usage-embed\",{sub}}}");
        foreach (var start in (string[])["nbf", "iat"])
        {
            foreach (var at in (string[])[$"{now + 60}", "9999999999999"])
                yield return ($"{start} {at}", Payload(ann, more: $",\"{start}\":{at}"));
        }

        foreach (var wrong in (string[])["\"\"", "null", "1", "[]", "\"ann\"", $"\"{ann.ToString().ToUpperInvariant()}\"", $"\"{ann:N}\"", $"\"{ann:B}\"", $"\" {ann}\"", $"\"{ann}' OR 1=1\"", $"[\"{ann}\",\"{Guid.NewGuid()}\"]"])
            yield return ($"sub {wrong}", $"{{\"aud\":\"usage-embed\",\"sub\":{wrong},\"exp\":{now + 60}}}");
        yield return ("sub missing", $"{{\"aud\":\"usage-embed\",\"exp\":{now + 60}}}");
    }

    private static string Payload(Guid user, string more = "") =>
        string.Create(CultureInfo.InvariantCulture, $"{{\"aud\":\"usage-embed\",\"sub\":\"{user}\",\"exp\":{Now + 300}{more}}}");

    private static string Header(string kid) => $$"""{"kid":"{{kid}}","alg":"HS256"}""";

    private static string Encode(string text) => ViewerWidget.Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>The next character of base64url: its last two bits are not part of the last byte.</summary>
    private static char Twin(char last)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return Alphabet[Alphabet.IndexOf(last, StringComparison.Ordinal) + 1];
    }

    private static async Task<IHtmlDocument> PageAsync(Site site, string address)
    {
        using var nobody = new Visit(site.Address);
        return await nobody.PageAsync(address);
    }
}
