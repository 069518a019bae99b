using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>After one member has asked for everything, whatever the next one asks for, in whatever way, has no byte of the first one's.</summary>
public sealed class IsolationTests(PostgresCluster cluster) : SiteTest(cluster)
{
    /// <summary>Stands in each of Ann's texts, and nowhere else.</summary>
    private const string Secret = "anns-secret";

    private static readonly string[] Queries = ["", "?period=7d", "?size=100", "?q=ann", "?type=external&sort=name", "?page=2", "?before=4102444800000000-00000000000000000000000000000000"];

    [Fact]
    public async Task Nothing_that_one_member_was_shown_is_shown_to_the_next()
    {
        var (ann, bob) = (await Database.AddUserAsync(Secret), await Database.AddUserAsync("Bob"));
        await Database.ExecuteAsync($"UPDATE users SET email = '{Secret}@example.test' WHERE id = $1", ann);
        foreach (var (user, model) in new[] { (ann, $"model-{Secret}"), (bob, "model-of-bob") })
        {
            await Database.ExecuteAsync(
                "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT $1, $2, 7, 7, 1, 0.25 FROM generate_series(1, 30)", user, model);
        }

        await using var site = await Site.StartAsync(Database);
        var (anns, bobs) = (await site.SignInAsync(AccountRole.Member, ann), await site.SignInAsync(AccountRole.Member, bob));

        // Open streams keep what they show in memory.
        await using var annsStream = await SseReader.OpenAsync(site, cookie: anns);
        await using var bobsStream = await SseReader.OpenAsync(site, cookie: bobs);
        await annsStream.NextAsync();
        await bobsStream.NextAsync();

        var seen = 0;
        foreach (var address in Addresses(site, ann))
        {
            foreach (var headers in Ways())
            {
                using var shown = await SendAsync(site, address, anns, headers);
                if ((await BodyAsync(shown)).Contains(Secret, StringComparison.Ordinal))
                    seen++;
                var known = shown.Headers.ETag?.ToString();
                foreach (var again in known is null ? [headers] : new[] { headers, [.. headers, ("If-None-Match", known)], [.. headers, ("If-None-Match", known), ("A-IM", "usage-rows")] })
                {
                    using var answer = await SendAsync(site, address, bobs, again);
                    Assert.DoesNotContain(Secret, await BodyAsync(answer) + answer.Headers, StringComparison.Ordinal);
                    Assert.DoesNotContain(ann.ToString(), address.Contains(ann.ToString(), StringComparison.Ordinal) ? "" : await BodyAsync(answer), StringComparison.Ordinal);
                    Assert.False(answer.StatusCode is HttpStatusCode.NotModified or HttpStatusCode.IMUsed, $"{address}: Bob was told that he has what Ann was shown");
                    Assert.True((int)answer.StatusCode < 500, $"{address} was answered with {(int)answer.StatusCode}");
                    AssertNoStore(address, answer);
                }
            }
        }

        Assert.True(seen > 20, $"Ann was shown her own only {seen} times: this test sees nothing.");
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task Nobody_is_shown_what_somebody_was_shown()
    {
        var ann = await Database.AddUserAsync(Secret);
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        using var nobody = site.ClientOf(null);
        foreach (var address in Addresses(site, ann))
        {
            using var shown = await SendAsync(site, address, site.Cookie, []);
            foreach (var headers in Ways())
            {
                using var request = Request(address, headers);
                using var answer = await nobody.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
                Assert.False(answer.IsSuccessStatusCode && !IsOpen(address), $"{address} was answered with {(int)answer.StatusCode}");
                Assert.DoesNotContain(Secret, await BodyAsync(answer), StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Every address of the site that can be asked for by GET, streams aside, each with several queries.</summary>
    private static List<string> Addresses(Site site, Guid user) =>
    [
        .. site.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") ?? true)
            .Select(e => "/" + e.RoutePattern.RawText!.TrimStart('/').Replace("{id:guid}", user.ToString(), StringComparison.Ordinal))
            .Select(a => a.Contains('{', StringComparison.Ordinal) ? a[..a.IndexOf('{', StringComparison.Ordinal)] : a)
            .Where(a => !a.EndsWith("/events", StringComparison.Ordinal) && !IsAsset(a))
            .Distinct().Order(StringComparer.Ordinal)
            .SelectMany(a => Queries.Select(q => a + q)),
    ];

    private static bool IsOpen(string address) => address.StartsWith("/health/", StringComparison.Ordinal) || address.StartsWith("/account/sign-in", StringComparison.Ordinal);

    private static bool IsAsset(string address) => address.Contains("/lib/", StringComparison.Ordinal) || address.Contains("/css/", StringComparison.Ordinal)
        || address.Contains("/js/", StringComparison.Ordinal) || address.Contains("favicon", StringComparison.Ordinal);

    private static List<(string, string)[]> Ways() =>
    [
        [],
        [("HX-Request", "true"), ("HX-Request-Type", "partial"), ("HX-Source", "div#refresh"), ("HX-Target", "section#usage-table")],
        [("HX-Request", "true"), ("HX-Request-Type", "full"), ("HX-History-Restore-Request", "true")],
        [("Accept-Encoding", "br"), ("A-IM", "usage-rows")],
    ];

    private static void AssertNoStore(string address, HttpResponseMessage answer)
    {
        if (answer.StatusCode == HttpStatusCode.OK && !address.StartsWith("/health/", StringComparison.Ordinal) && !IsAsset(address))
            Assert.True(answer.Headers.CacheControl?.NoStore, $"{address} may be kept by a cache: {answer.Headers.CacheControl}");
    }

    private static async Task<HttpResponseMessage> SendAsync(Site site, string address, string cookie, (string Name, string Value)[] headers)
    {
        using var request = Request(address, headers);
        using var http = site.ClientOf(cookie);
        return await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, Cancellation);
    }

    private static HttpRequestMessage Request(string address, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static async Task<string> BodyAsync(HttpResponseMessage answer)
    {
        var bytes = await answer.Content.ReadAsByteArrayAsync(Cancellation);
        if (!answer.Content.Headers.ContentEncoding.Contains("br"))
            return System.Text.Encoding.UTF8.GetString(bytes);
        await using var packed = new System.IO.Compression.BrotliStream(new MemoryStream(bytes), System.IO.Compression.CompressionMode.Decompress);
        using var reader = new StreamReader(packed);
        return await reader.ReadToEndAsync(Cancellation);
    }
}
