using System.Net;
using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>
/// Two sites on one database, of which a reader's stream may be at one and their refresh at the other, even while that one hears nothing of changes and
/// does not know it.
/// </summary>
public sealed class SeveralInstancesTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Refreshed = 1001;
    private const int Heard = 1007;

    private static readonly string Elsewhere = $"usage-client={new string('e', 32)}"; // a browser whose stream is at the other instance

    [Fact]
    public async Task Who_shows_what_a_deaf_instance_remembers_gets_what_is_new_from_it()
    {
        await using var sites = await Sites.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(sites.Hearing, cookie: Elsewhere);
        await using var other = await SseReader.OpenAsync(sites.Deaf);
        var shown = (await stream.NextAsync()).Data;
        Assert.Equal(shown, (await other.NextAsync()).Data);
        var heard = sites.Deafen();

        await Database.AddLogAsync(sites.Ann);
        var told = (await stream.NextAsync()).Data;
        Assert.Equal((told, "1"), await RefreshAsync(sites.Deaf, shown, Elsewhere));
        Assert.Equal(heard, sites.Deaf.Logs.Count(Heard));
    }

    [Fact]
    public async Task Who_is_further_behind_than_a_deaf_instance_gets_what_is_new_from_it()
    {
        await using var sites = await Sites.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(sites.Hearing, cookie: Elsewhere);
        await using var other = await SseReader.OpenAsync(sites.Deaf);
        var shown = (await stream.NextAsync()).Data;
        await other.NextAsync();
        await Database.AddLogAsync(sites.Ann);
        var between = (await other.NextAsync()).Data;
        var heard = sites.Deafen();

        await Database.AddLogAsync(sites.Ann);
        await Eventually.TrueAsync(() => stream.LastVersion is { } told && told != shown && told != between, "the second change is told");
        Assert.Equal((stream.LastVersion!, "2"), await RefreshAsync(sites.Deaf, shown, Elsewhere));
        Assert.Equal(heard, sites.Deaf.Logs.Count(Heard));
    }

    [Fact]
    public async Task A_stream_at_a_deaf_instance_leads_nobody_back()
    {
        await using var sites = await Sites.StartAsync(Database);
        await using var first = await SseReader.OpenAsync(sites.Hearing);
        await using var second = await SseReader.OpenAsync(sites.Deaf);
        var old = (await first.NextAsync()).Data;
        await second.NextAsync();
        var heard = sites.Deafen();
        await Database.AddLogAsync(sites.Ann);
        var shown = (await first.NextAsync()).Data;
        Assert.NotEqual(old, shown);

        var refreshed = sites.Deaf.Logs.Count(Refreshed);
        await using var reader = await SseReader.OpenAsync(sites.Deaf, "?version=" + shown);
        await Eventually.TrueAsync(() => sites.Deaf.Logs.Count(Refreshed) > refreshed, "a reading has decided");
        Assert.Equal(shown, (await second.NextAsync()).Data); // it is told to those who show less
        Assert.Equal(0, reader.Drain());
        Assert.Null(reader.LastVersion);
        Assert.Equal(heard, sites.Deaf.Logs.Count(Heard));
    }

    [Fact]
    public async Task Many_who_ask_at_once_share_readings_and_hasten_no_update()
    {
        const int Readers = 50;
        await using var sites = await Sites.StartAsync(Database, new() { ["Live:Debounce"] = "00:00:04" });
        await using var stream = await SseReader.OpenAsync(sites.Hearing, cookie: Elsewhere);
        await using var other = await SseReader.OpenAsync(sites.Deaf);
        var shown = (await stream.NextAsync()).Data;
        await other.NextAsync();
        var heard = sites.Deafen();
        await Database.AddLogAsync(sites.Ann);
        var told = (await stream.NextAsync()).Data;

        var (queries, refreshed, start) = (sites.Deaf.Queries, sites.Deaf.Logs.Count(Refreshed), TimeProvider.System.GetTimestamp());
        var answers = await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => RefreshAsync(sites.Deaf, shown, Elsewhere)));
        Assert.All(answers, answer => Assert.Equal((told, "1"), answer));

        // Readings of two statements at most, fifty milliseconds apart, for as long as readers come; one more may be for everybody.
        var most = 2 + (int)(TimeProvider.System.GetElapsedTime(start).TotalMilliseconds / 50);
        Assert.InRange(sites.Deaf.Queries - queries, 1, 2 * Math.Min(most, Readers / 4));
        Assert.InRange(sites.Deaf.Logs.Count(Refreshed) - refreshed, 0, 1);
        Assert.Equal(told, (await other.NextAsync()).Data);
        Assert.Equal(heard, sites.Deaf.Logs.Count(Heard));
    }

    [Fact]
    public async Task Whose_stream_is_here_is_answered_from_memory_however_far_behind()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Debounce"] = "00:00:00.001", ["Live:Settle"] = "00:00:00" });
        await using var stream = await SseReader.OpenAsync(site);
        var oldest = (await stream.NextAsync()).Data;
        for (var i = 0; i < 6; i++)
        {
            await Database.AddLogAsync(ann);
            await stream.NextAsync();
        }

        var queries = site.Queries;
        Assert.Equal((stream.LastVersion!, "6"), await RefreshAsync(site, oldest, cookie: null));
        Assert.Equal(queries, site.Queries);
    }

    [Fact]
    public async Task Where_others_readers_ask_a_change_on_its_way_is_waited_for_by_nobody()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Debounce"] = "00:01:00" });
        await using var stream = await SseReader.OpenAsync(site);
        var oldest = (await stream.NextAsync()).Data;
        Assert.Equal("1", await AfterAnotherAsync(cookie: null)); // names the current version
        Assert.Equal("1", await AfterAnotherAsync(cookie: null)); // from memory: the stream will tell of the second
        Assert.Equal("3", await AfterAnotherAsync(Elsewhere));
        Assert.Equal("4", await AfterAnotherAsync(cookie: null)); // it may be another window's stream that is here
        Assert.Equal(0, stream.Drain());

        async Task<string> AfterAnotherAsync(string? cookie)
        {
            await Database.AddLogAsync(ann);
            await site.FoldedAsync();
            await site.QuietAsync();
            return (await RefreshAsync(site, oldest, cookie)).Requests;
        }
    }

    /// <summary>Refreshes a page that shows a version, as a browser does.</summary>
    /// <returns>The version and the sum of requests that it shows then.</returns>
    private static async Task<(string Version, string Requests)> RefreshAsync(Site site, string shown, string? cookie)
    {
        using var http = site.ClientOf(cookie is null ? site.Cookie : $"{site.Cookie}; {cookie}");
        http.DefaultRequestHeaders.TryAddWithoutValidation("If-None-Match", $"\"{shown}\"");
        using var answer = await http.GetAsync(new Uri("/usage/table", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        return (answer.Headers.ETag!.Tag.Trim('"'), text.Split("id=\"total-requests\"><data value=\"")[1].Split('"')[0]);
    }

    /// <summary>Two sites on one database; the second one's listener, and nothing else of it that matters here, can be cut off so that nobody is told.</summary>
    private sealed class Sites(Site hearing, Site deaf, FaultProxy proxy, Guid ann) : IAsyncDisposable
    {
        internal Site Hearing { get; } = hearing;

        internal Site Deaf { get; } = deaf;

        internal Guid Ann { get; } = ann;

        internal static async Task<Sites> StartAsync(PostgresDatabase database, Dictionary<string, string>? settings = null)
        {
            var ann = await database.AddUserAsync("Ann");
            var hearing = await Site.StartAsync(database, settings); // elected: it folds
            var way = new NpgsqlConnectionStringBuilder(database.ConnectionString);
            var proxy = new FaultProxy(way.Host!, way.Port);
            way.Username = $"usage_rollup_{way.Database}";
            way.Password = await database.ScalarAsync<string>("SELECT password FROM site_logins WHERE role = $1", way.Username);
            (way.Host, way.Port) = ("127.0.0.1", proxy.Port);
            var deaf = await Site.StartAsync(database, new(settings ?? []) { ["ConnectionStrings:Rollup"] = way.ConnectionString });
            return new Sites(hearing, deaf, proxy, ann);
        }

        /// <summary>Lets the second one hear nothing from now on. No fence before it, which would have it read once more.</summary>
        /// <returns>How many changes it has heard of.</returns>
        internal int Deafen()
        {
            proxy.Set(Fault.BlackHole);
            return Deaf.Logs.Count(Heard);
        }

        public async ValueTask DisposeAsync()
        {
            proxy.Set(Fault.Cut);
            await Deaf.DisposeAsync();
            await Hearing.DisposeAsync();
            await proxy.DisposeAsync();
        }
    }
}
