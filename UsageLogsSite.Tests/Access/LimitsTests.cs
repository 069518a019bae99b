using System.Diagnostics;
using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>One bad client harms nobody.</summary>
public sealed class LimitsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("Live:MaxStreamsPerClient")]
    [InlineData("Live:MaxStreamsPerAddress")]
    [InlineData("Live:MaxStreams")]
    public async Task Streams_over_the_limit_are_refused_and_a_closed_one_makes_room(string limit)
    {
        await using var site = await Site.StartAsync(Database, new() { [limit] = "2" });
        await using var first = await SseReader.OpenAsync(site);
        var second = await SseReader.OpenAsync(site);
        await using (var third = await SseReader.OpenAsync(site))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, third.Response.StatusCode);
            Assert.InRange(third.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 15);
        }

        await second.DisposeAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                await using var again = await SseReader.OpenAsync(site);
                return again.Response.StatusCode == HttpStatusCode.OK;
            },
            "the slot is free again");

        // Pages are not streams.
        using var page = await site.Http.GetAsync(new Uri("/usage", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task Browsers_behind_one_address_are_counted_apart()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamsPerClient"] = "1" });
        using var page = await site.Http.GetAsync(new Uri("/usage", UriKind.Relative), Cancellation);
        var cookie = page.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("usage-client", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);

        await using var one = await SseReader.OpenAsync(site, cookie: cookie.Split(';')[0]);
        await using var other = await SseReader.OpenAsync(site, cookie: $"usage-client={new string('a', 32)}");
        await using var oneAgain = await SseReader.OpenAsync(site, cookie: cookie.Split(';')[0]);
        Assert.Equal(
            [HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests],
            new[] { one, other, oneAgain }.Select(s => s.Response.StatusCode));
    }

    [Fact]
    public async Task A_widget_that_many_watch_leaves_places_to_other_widgets_and_to_the_site_s_own_pages()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamsPerAddress"] = "4" });
        var (_, busy) = await site.AddWidgetAsync();
        var (_, other) = await site.AddWidgetAsync();
        List<HttpStatusCode> seen = [];
        List<SseReader> streams = [];
        foreach (var path in new[] { busy, busy, busy, other, other, other }.Select(widget => widget + "/events").Concat(["/usage/events", "/usage/events"]))
        {
            streams.Add(await SseReader.OpenAsync(site, path: path));
            seen.Add(streams[^1].Response.StatusCode);
        }

        foreach (var stream in streams)
            await stream.DisposeAsync();
        var (ok, refused) = (HttpStatusCode.OK, HttpStatusCode.TooManyRequests);
        Assert.Equal([ok, ok, refused, ok, ok, refused, ok, ok], seen);
    }

    [Fact]
    public async Task Requests_of_a_widget_take_none_of_the_site_s_own()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Limits:RequestsPerSecond"] = "1", ["Limits:RefusalsBeforeClose"] = "10000" });
        var (_, path) = await site.AddWidgetAsync();
        using var nobody = new Visit(site.Address);
        var refused = 0;
        for (var i = 0; i < 200; i++)
        {
            using var answer = await nobody.GetAsync(path + "/table");
            refused += answer.StatusCode == HttpStatusCode.TooManyRequests ? 1 : 0;
        }

        Assert.InRange(refused, 1, 199);
        using var page = await site.Http.GetAsync(new Uri("/usage", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task Readers_who_come_all_at_once_are_let_in_one_after_the_other()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxOpensPerSecond"] = "20" });
        var start = Stopwatch.GetTimestamp();
        var streams = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => SseReader.OpenAsync(site)));
        Assert.All(streams, s => Assert.Equal(HttpStatusCode.OK, s.Response.StatusCode));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20));
        foreach (var stream in streams)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task Too_many_requests_are_told_to_wait_and_then_cut_off()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Limits:RequestsPerSecond"] = "1", ["Limits:RefusalsBeforeClose"] = "5" });
        var refused = 0;
        var cut = await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                using var response = await site.Http.GetAsync(new Uri("/usage/table", UriKind.Relative), Cancellation);
                if (response.StatusCode != HttpStatusCode.TooManyRequests)
                    continue;
                refused++;
                Assert.NotNull(response.Headers.RetryAfter);
                Assert.Contains("Too many requests", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            }
        });
        Assert.NotNull(cut);
        Assert.Equal(5, refused);
        using var health = await site.Http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }
}
