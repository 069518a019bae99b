using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Widget;

/// <summary>After one viewer of a widget was shown everything, the next one is shown no byte of it, whatever they ask.</summary>
public sealed class ViewerIsolationTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Secret = "anns-secret";

    private static readonly string[] Queries = ["", "?page=2", "?before=4102444800000000-00000000000000000000000000000000", "?period=all&size=100", "?user={0}&userId={0}&user_id={0}&sub={0}&id={0}"];

    private static readonly (string, string)[][] Ways =
    [
        [],
        [("HX-Request", "true"), ("HX-Request-Type", "partial"), ("HX-Source", "div#refresh"), ("HX-Target", "section#usage-table")],
        [("Accept-Encoding", "br"), ("A-IM", "usage-rows")],
    ];

    [Fact]
    public async Task Nothing_that_one_viewer_was_shown_is_shown_to_the_next()
    {
        var (ann, bob) = (await AddUserAsync($"model-{Secret}", 7), await AddUserAsync("model-of-bob", 5));
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        var (anns, bobs) = (widget.PathOf(ann), widget.PathOf(bob));
        await using var annsStream = await SseReader.OpenAsync(site, path: anns + "/events");
        await using var bobsStream = await SseReader.OpenAsync(site, path: bobs + "/events");
        Assert.NotEqual((await annsStream.NextAsync()).Data, (await bobsStream.NextAsync()).Data);
        var seen = 0;
        foreach (var rest in new[] { "", "/table" }.SelectMany(part => Queries.Select(query => part + string.Format(System.Globalization.CultureInfo.InvariantCulture, query, ann))))
        {
            foreach (var way in Ways)
            {
                var (shown, status, tag) = await AskAsync(site, anns + rest, way);
                Assert.Equal(HttpStatusCode.OK, status);
                Assert.DoesNotContain("model-of-bob", shown, StringComparison.Ordinal);
                seen += shown.Contains(Secret, StringComparison.Ordinal) ? 1 : 0;
                foreach (var again in tag is null ? [way] : new[] { way, [.. way, ("If-None-Match", tag)], [.. way, ("If-None-Match", "W/" + tag), ("A-IM", "usage-rows")] })
                {
                    (shown, status, _) = await AskAsync(site, bobs + rest, again);
                    Assert.Equal(HttpStatusCode.OK, status);
                    Assert.DoesNotContain(Secret, shown, StringComparison.Ordinal);
                    Assert.DoesNotContain(ann.ToString(), shown, StringComparison.Ordinal);
                    Assert.DoesNotContain(anns, shown, StringComparison.Ordinal);
                }
            }
        }

        Assert.True(seen > 8, $"Ann was shown her own only {seen} times: this test sees nothing.");
    }

    [Fact]
    public async Task A_change_of_one_viewers_usage_is_not_told_to_another()
    {
        var (ann, bob) = (await AddUserAsync("model-of-ann", 1), await AddUserAsync("model-of-bob", 1));
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        await using var anns = await SseReader.OpenAsync(site, path: widget.PathOf(ann) + "/events");
        await using var bobs = await SseReader.OpenAsync(site, path: widget.PathOf(bob) + "/events");
        await anns.NextAsync();
        await bobs.NextAsync();
        await Database.AddLogAsync(ann);
        await anns.NextAsync();
        await site.QuietAsync();
        Assert.Equal(0, bobs.Drain());
        await Database.AddLogAsync(bob);
        await bobs.NextAsync();
    }

    [Fact]
    public async Task One_viewer_s_token_is_no_key_to_the_page_of_users_or_to_another_widget()
    {
        var ann = await AddUserAsync("model-of-ann", 1);
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        using var nobody = new Visit(site.Address);
        foreach (var address in new[] { "/usage", "/usage/table", $"/users/{ann}", "/admin/rollup" })
        {
            using var answer = await nobody.GetAsync(address, ("Authorization", $"Bearer {widget.TokenOf(ann)}"));
            Assert.False(answer.IsSuccessStatusCode, $"{address} was answered with {(int)answer.StatusCode}");
        }
    }

    private async Task<Guid> AddUserAsync(string model, int logs)
    {
        var user = await Database.AddUserAsync(model);
        await Database.ExecuteAsync(
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT $1, $2, 7, 7, 1, 0.25 FROM generate_series(1, $3)", user, model, logs);
        return user;
    }

    private static async Task<(string Text, HttpStatusCode Status, string? Tag)> AskAsync(Site site, string address, (string Name, string Value)[] headers)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All, UseCookies = false }) { BaseAddress = site.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await http.SendAsync(request, Cancellation);
        return (await answer.Content.ReadAsStringAsync(Cancellation) + answer.Headers, answer.StatusCode, answer.Headers.ETag?.ToString());
    }
}
