using System.Net;
using AngleSharp.Html.Dom;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Widget;

/// <summary>What a widget shows, and that it lasts no longer than it may.</summary>
public sealed class WidgetTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task It_needs_no_cookie_and_sets_none_and_only_allowed_origins_may_frame_it()
    {
        await Database.AddLogAsync(await Database.AddUserAsync("Ann"));
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync(origins: ["https://shop.example", "http://localhost:8080"]);
        using var nobody = new Visit(site.Address);
        foreach (var address in new[] { path, path + "/table" })
        {
            using var answer = await nobody.GetAsync(address);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.EndsWith("frame-ancestors https://shop.example http://localhost:8080", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
            Assert.True(answer.Headers.CacheControl!.NoStore);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            Assert.False(answer.Headers.Contains("X-Frame-Options"));
        }

        // Who is signed in sees the same, and their session is not touched.
        await Database.ExecuteAsync("UPDATE sessions SET expires_at = now() + interval '1 hour'");
        using var owner = new Visit(site.Address, site.Cookie);
        using var same = await owner.GetAsync(path);
        Assert.False(same.Headers.Contains("Set-Cookie"));
        Assert.True(await Database.ScalarAsync<bool>("SELECT max(expires_at) < now() + interval '2 hours' FROM sessions"));
    }

    [Fact]
    public async Task Hidden_columns_are_not_in_it_and_it_leads_nowhere_but_to_its_own_pages()
    {
        await Database.AddUsersAsync(30);
        await Database.ExecuteAsync("UPDATE usage_logs SET cost_usd = 7.77, credits = 5.55");
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync("?size=10", columns: ["requests"]);
        var page = await PageAsync(site, path);
        Assert.Equal(10, page.QuerySelectorAll("tr[data-user-id]").Length);
        Assert.Equal(["User", "Requests"], page.QuerySelectorAll("thead th").Select(th => th.TextContent.Trim()));
        Assert.Equal(["total-users", "total-requests"], page.QuerySelectorAll("#sums dd").Select(dd => dd.Id));
        Assert.DoesNotContain("7.77", page.DocumentElement.OuterHtml, StringComparison.Ordinal);
        Assert.DoesNotContain("5.55", page.DocumentElement.OuterHtml, StringComparison.Ordinal);
        Assert.DoesNotContain("@example.test", page.DocumentElement.OuterHtml, StringComparison.Ordinal);
        Assert.All(page.QuerySelectorAll("a"), a => Assert.StartsWith(path + "?", a.GetAttribute("href"), StringComparison.Ordinal));
        Assert.Empty(page.QuerySelectorAll("form"));

        // Not even the version tells of what is hidden.
        var version = page.QuerySelector("#refresh")!.GetAttribute("data-version");
        await Database.ExecuteAsync("UPDATE usage_logs SET cost_usd = 8.88");
        await site.FoldedAsync();
        Assert.Equal(version, (await PageAsync(site, path)).QuerySelector("#refresh")!.GetAttribute("data-version"));
    }

    [Fact]
    public async Task A_widget_of_one_user_is_read_as_that_user()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        for (var i = 0; i < 12; i++)
            await Database.AddLogAsync(ann, at: DateTime.UtcNow.Date.AddHours(-12).AddMinutes(-i)); // of one day, whenever this runs
        await Database.AddLogAsync(bob);
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync("?size=10", ann, ["requests", "cost"]);
        var page = await PageAsync(site, path);
        Assert.Equal("12", page.QuerySelector("#total-requests data")!.GetAttribute("value"));
        Assert.Equal(10, page.QuerySelectorAll("tr[data-log-id]").Length);
        Assert.Contains("12 requests", page.QuerySelector("#chart")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("$0.12", page.QuerySelector("#cost-chart")!.TextContent, StringComparison.Ordinal);
        var older = await PageAsync(site, page.QuerySelector("#next")!.GetAttribute("href")!);
        Assert.Equal(2, older.QuerySelectorAll("tr[data-log-id]").Length);
    }

    [Theory]
    [InlineData("requests", true)]
    [InlineData("cost", false)]
    public async Task The_days_of_one_user_tell_no_more_than_the_columns(string column, bool hasDays)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, cost: 7.77m);
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync("", ann, [column]);
        var page = await PageAsync(site, path);
        Assert.Equal(hasDays ? 1 : 0, page.QuerySelectorAll("#chart").Length);
        Assert.Equal(!hasDays, page.Source.Text.Contains("7.77", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("UPDATE embeds SET revoked_at = now() WHERE id = $1")]
    [InlineData("UPDATE embeds SET expires_at = now() WHERE id = $1")]
    [InlineData("DELETE FROM embeds WHERE id = $1")]
    public async Task Its_streams_end_within_seconds_when_it_does(string how)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var (id, path) = await site.AddWidgetAsync();
        var (_, other) = await site.AddWidgetAsync();
        await using var stream = await SseReader.OpenAsync(site, path: path + "/events");
        await using var others = await SseReader.OpenAsync(site, path: other + "/events");
        await stream.NextAsync();
        await others.NextAsync();
        await Database.AddLogAsync(ann);
        await stream.NextAsync();

        await Database.ExecuteAsync(how, id);
        await stream.NextAsync("session-ended").WaitAsync(Limit, Cancellation);
        await stream.Ended.WaitAsync(Limit, Cancellation);
        Assert.False(others.Ended.IsCompleted);
        using var nobody = new Visit(site.Address);
        foreach (var part in new[] { "", "/table", "/events" })
        {
            using var answer = await nobody.GetAsync(path + part);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Its_stream_ends_when_it_expires()
    {
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync(expires: DateTime.UtcNow.AddSeconds(2));
        await using var stream = await SseReader.OpenAsync(site, path: path + "/events");
        await stream.NextAsync("session-ended").WaitAsync(TimeSpan.FromSeconds(2) + Limit, Cancellation);
    }

    private static async Task<IHtmlDocument> PageAsync(Site site, string address)
    {
        using var nobody = new Visit(site.Address);
        return await nobody.PageAsync(address);
    }
}
