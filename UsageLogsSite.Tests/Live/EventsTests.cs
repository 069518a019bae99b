using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>The stream over a real socket: who is woken, when, and how often.</summary>
public sealed class EventsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Refreshed = 1001;

    [Fact]
    public async Task A_change_reaches_the_stream_and_its_version_is_the_fragments_etag()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site, "?version=" + await VersionAsync(site));
        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no", stream.Response.Headers.GetValues("X-Accel-Buffering").Single());
        await stream.NextAsync("heartbeat");

        await Database.AddLogAsync(ann);

        var changed = await stream.NextAsync();
        Assert.Equal(changed.EventId, changed.Data);
        Assert.Equal(await VersionAsync(site), changed.Data);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_that_shows_an_old_version_is_told_at_once(bool asLastEventId)
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = asLastEventId
            ? await SseReader.OpenAsync(site, "?version=" + await VersionAsync(site), lastEventId: "old")
            : await SseReader.OpenAsync(site, "?version=old");
        Assert.Equal(await VersionAsync(site), (await stream.NextAsync()).Data);
    }

    [Fact]
    public async Task A_change_of_an_internal_user_wakes_no_external_set()
    {
        var staff = await Database.AddUserAsync("Ann", "internal");
        var customer = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var external = await SseReader.OpenAsync(site, "?type=external");
        await using var all = await SseReader.OpenAsync(site);
        await external.NextAsync();
        await all.NextAsync();

        // A refresh is logged after its event was sent.
        await Eventually.TrueAsync(() => site.Logs.Count(Refreshed, "'/usage?type=external'") > 0, "the first refresh is logged");
        var before = site.Logs.Count(Refreshed, "'/usage?type=external'");

        await Database.AddLogAsync(staff);
        await all.NextAsync();
        await Database.AddLogAsync(customer);
        await external.NextAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(Refreshed, "'/usage?type=external'") > before, "the refresh is logged");
        Assert.Equal(before + 1, site.Logs.Count(Refreshed, "'/usage?type=external'"));
    }

    [Fact]
    public async Task A_user_who_changes_type_wakes_both_sides()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var external = await SseReader.OpenAsync(site, "?type=external");
        await using var staff = await SseReader.OpenAsync(site, "?type=internal");
        await external.NextAsync();
        await staff.NextAsync();
        await Database.ExecuteAsync("UPDATE users SET user_type = 'internal' WHERE id = $1", ann);
        await external.NextAsync();
        await staff.NextAsync();
        Assert.Contains("Ann", (await site.GetPageAsync("/usage?type=internal")).Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_purchase_that_touches_no_completed_payment_wakes_nobody()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        var heard = site.Logs.Count(1007);
        var refreshed = site.Logs.Count(Refreshed);

        var pending = await Database.AddPurchaseAsync(ann, 10, "pending");
        await Database.AddPurchaseAsync(ann, 10, "failed");
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'failed' WHERE id = $1", pending);
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_deltas)"));

        // A later, relevant change is the fence: whatever came before it has been heard by then.
        await Database.AddLogAsync(ann);
        await stream.NextAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(Refreshed) > refreshed, "the refresh that told of it is noted");
        Assert.Equal(heard + 1, site.Logs.Count(1007));
        Assert.Equal(refreshed + 1, site.Logs.Count(Refreshed));
    }

    [Fact]
    public async Task Content_that_stays_the_same_is_no_event()
    {
        var ann = await Database.AddUserAsync("Ann");
        var bob = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site, "?q=ann");
        await stream.NextAsync();
        var before = site.Logs.Count(Refreshed, "'/usage?q=ann'");
        await Database.AddLogAsync(bob);
        await Eventually.TrueAsync(() => site.Logs.Count(Refreshed, "'/usage?q=ann'") > before, "the set was asked again");
        await Database.AddLogAsync(ann);

        // Were Bob's change an event, it would come first.
        Assert.Equal((await stream.NextAsync()).Data, await VersionAsync(site, "?q=ann"));
        Assert.Equal(0, stream.Drain());
    }

    [Fact]
    public async Task However_many_watch_a_change_is_one_query_and_their_fetches_none()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var streams = new List<SseReader>();
        for (var i = 0; i < 20; i++)
            streams.Add(await SseReader.OpenAsync(site));
        foreach (var stream in streams)
            await stream.NextAsync();
        Assert.Equal(1, site.FilterSets.Count);
        var queries = site.Queries;

        await Database.AddLogAsync(ann);
        foreach (var stream in streams)
        {
            var version = (await stream.NextAsync()).Data;
            Assert.Equal(version, await VersionAsync(site));
        }

        Assert.Equal(queries + 1, site.Queries);
        foreach (var stream in streams)
            await stream.DisposeAsync();
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "the set is gone with its last reader");
    }

    [Fact]
    public async Task A_hundred_changes_in_a_second_are_at_most_three_refreshes_and_the_last_state_arrives()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        var before = site.Logs.Count(Refreshed);

        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < 100; i++)
        {
            await Database.AddLogAsync(ann);
            var ahead = TimeSpan.FromMilliseconds(9 * i) - Stopwatch.GetElapsedTime(start);
            if (ahead > TimeSpan.Zero)
                await Task.Delay(ahead, Cancellation);
        }

        // A slow machine takes longer than a second to write: two refreshes a second and one more are allowed then.
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var refreshes = site.Logs.Count(Refreshed) - before;
        Assert.InRange(refreshes, 1, (int)Math.Ceiling(2 * Math.Max(seconds, 1)) + 1);

        await Eventually.TrueAsync(async () => await RequestsShownAsync(site) == "100", "the last state is shown");
        Assert.InRange(site.Logs.Count(Refreshed) - before, refreshes, refreshes + 2);
    }

    [Fact]
    public async Task A_change_during_a_reading_is_read_after_it()
    {
        var ann = await Database.AddUserAsync("Ann");
        var slow = new SlowAnswers();
        await using var site = await Site.StartAsync(Database, new() { ["Live:Debounce"] = "00:00:00.001" }, s => s.ConfigureDbContext<UsageDbContext>(o => o.AddInterceptors(slow)));
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        // The first change's answer is already made, but held back, when the second is committed and heard.
        slow.Hold();
        await Database.AddLogAsync(ann);
        await slow.Held.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        var heard = site.Logs.Count(1007);
        await Database.AddLogAsync(ann);
        await Eventually.TrueAsync(() => site.Logs.Count(1007) > heard, "the second change is heard");

        // A page that joins the reading under way must not take the second change for dealt with.
        var page = RequestsShownAsync(site);
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancellation);
        slow.Release();

        await page;
        await stream.NextAsync();
        await stream.NextAsync();
        Assert.Equal("2", await RequestsShownAsync(site));
    }

    [Fact]
    public async Task Steady_changes_keep_refreshing_about_twice_a_second()
    {
        var seconds = Run.IsLong ? 30 : 8;
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        var start = Stopwatch.GetTimestamp();
        var written = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            await Database.AddLogAsync(ann);
            written++;
        }

        var events = stream.Drain();
        Assert.InRange(events, seconds, 2 * seconds + 1);
        await Eventually.TrueAsync(async () => await RequestsShownAsync(site) == $"{written}", "the last state is shown");
    }

    [Fact]
    public async Task A_user_leaves_a_sliding_window_when_the_time_comes_without_any_change()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddHours(-24).AddSeconds(10));
        await site.FoldedAsync();
        await site.QuietAsync();
        Assert.NotNull((await site.GetPageAsync("/usage?activity=active-24h")).QuerySelector($"tr[data-user-id='{ann}']"));
        await using var stream = await SseReader.OpenAsync(site, "?activity=active-24h&version=" + await VersionAsync(site, "?activity=active-24h"));
        await stream.NextAsync();
        Assert.Null((await site.GetPageAsync("/usage?activity=active-24h")).QuerySelector($"tr[data-user-id='{ann}']"));
    }

    [Fact]
    public async Task A_user_enters_the_inactive_when_the_time_comes()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddDays(-30).AddSeconds(10));
        await site.FoldedAsync();
        await site.QuietAsync();
        await using var stream = await SseReader.OpenAsync(site, "?activity=inactive&version=" + await VersionAsync(site, "?activity=inactive"));
        await stream.NextAsync();
        Assert.NotNull((await site.GetPageAsync("/usage?activity=inactive")).QuerySelector($"tr[data-user-id='{ann}']"));
    }

    [Fact]
    public async Task A_listener_that_was_cut_off_compares_everything_anew()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite listener' AND datname = current_database()");
        await Database.AddLogAsync(ann);

        await stream.NextAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(1005) == 2, "the listener is back");
    }

    [Fact]
    public async Task A_client_that_closes_is_gone_and_a_stopping_site_ends_its_streams()
    {
        var site = await Site.StartAsync(Database);
        await using (var leaving = await SseReader.OpenAsync(site, "?type=internal"))
            await leaving.NextAsync();
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "the reader is gone");

        await using var staying = await SseReader.OpenAsync(site);
        await staying.NextAsync();
        var start = Stopwatch.GetTimestamp();
        await site.DisposeAsync();
        await staying.Ended;
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 5);
    }

    private static async Task<string> VersionAsync(Site site, string query = "")
    {
        using var response = await site.Http.GetAsync(new Uri("/usage/table" + query, UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.ETag!.Tag.Trim('"');
    }

    private static async Task<string> RequestsShownAsync(Site site) =>
        (await site.GetPageAsync("/usage")).QuerySelector("#total-requests data")!.GetAttribute("value")!;

}
