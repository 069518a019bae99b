using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>Between a page and its stream no change is lost, and without a change nobody asks.</summary>
[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class RaceTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Writes_raced_against_connects_are_never_missed()
    {
        var writes = Run.IsLong ? 20_000 : 2_000;
        var users = new List<Guid>();
        for (var i = 0; i < 8; i++)
            users.Add(await Database.AddUserAsync($"User {i}"));
        await using var site = await Site.StartAsync(Database);
        var readers = new List<(string Query, string Version, SseReader Stream)>();
        using var written = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 2).Select(w => WriteAsync(users, writes / 2, w)));
        var connecting = ConnectAsync(site, readers, written.Token);
        await writing;
        await written.CancelAsync();
        await connecting;
        Assert.InRange(readers.Count, 20, int.MaxValue);

        await Eventually.TrueAsync(
            async () => (await site.GetPageAsync("/usage")).QuerySelector("#total-requests data")!.GetAttribute("value") == $"{writes}", "the page shows every write");

        // Whenever a reader came: what it shows in the end is what the database says.
        foreach (var (query, version, stream) in readers)
        {
            await Eventually.TrueAsync(
                async () => (stream.LastVersion ?? version) == await VersionAsync(site, query), $"the reader of '{query}' knows the last version");
        }

        foreach (var (_, _, stream) in readers)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_change_the_database_is_not_asked()
    {
        var count = Run.IsLong ? 1_000 : 200;
        await Database.AddUsersAsync(60);
        await Database.ExecuteAsync( // that wait for something, and do not fire
            "INSERT INTO alert_rules (name, kind, threshold, is_enabled) SELECT kind, kind, 50, true FROM unnest(ARRAY['cost-per-hour', 'failures', 'failure-share', 'low-credits', 'first-payment']) kind");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Heartbeat"] = "00:00:01", ["Alerts:Interval"] = "00:00:00.100" });
        var streams = await Task.WhenAll(Enumerable.Range(0, count).Select(i => SseReader.OpenAsync(site, $"?size=10&page={i % 5 + 1}")));
        foreach (var stream in streams)
            await stream.NextAsync();

        // A fold falls asleep for good once every transaction that began before has ended, other tests' included.
        await Eventually.TrueAsync(
            async () => DateTime.UtcNow - await LastAskedAsync() > TimeSpan.FromSeconds(2), "the fold sleeps");
        var (queries, asked) = (site.Queries, await LastAskedAsync());

        await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);

        Assert.Equal((queries, asked), (site.Queries, await LastAskedAsync()));
        Assert.All(streams, stream => Assert.Equal(0, stream.Drain()));
        foreach (var stream in streams)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task However_many_views_change_few_ask_at_once()
    {
        var user = await Database.AddUserAsync("Ada");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxConcurrentReads"] = "2" });
        string[] queries = ["", "?sort=name", "?sort=requests", "?sort=tokens", "?sort=cost", "?sort=revenue"];
        var streams = await Task.WhenAll(queries.Select(query => SseReader.OpenAsync(site, query)));
        foreach (var stream in streams)
            await stream.NextAsync();

        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
        await using (var transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await using var command = new NpgsqlCommand("LOCK users IN ACCESS EXCLUSIVE MODE", connection);
            await command.ExecuteNonQueryAsync(Cancellation);
            await Database.ExecuteAsync("SELECT pg_notify('usage_changed', 'external')");
            await Eventually.TrueAsync(async () => await WaitingAsync() == 2, "two views ask");
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            Assert.Equal(2, await WaitingAsync());
        }

        await Database.AddLogAsync(user);
        foreach (var stream in streams)
        {
            await Eventually.TrueAsync(() => stream.LastVersion is not null, "every view is read in the end");
            await stream.DisposeAsync();
        }
    }

    private Task<long> WaitingAsync() => Database.ScalarAsync<long>(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite admin' AND wait_event_type = 'Lock' AND datname = current_database()");

    private Task<DateTime> LastAskedAsync() => Database.ScalarAsync<DateTime>(
        "SELECT max(query_start) FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %' AND datname = current_database()");

    private async Task WriteAsync(List<Guid> users, int writes, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < writes; i++)
            await Database.AddLogAsync(users[random.Next(users.Count)]);
    }

    private static async Task ConnectAsync(Site site, List<(string Query, string Version, SseReader Stream)> readers, CancellationToken written)
    {
        string[] queries = ["", "?sort=name", "?type=external", "?sort=requests", "?q=user+3"];
        while (!written.IsCancellationRequested && readers.Count < 300)
        {
            var query = queries[readers.Count % queries.Length];
            var version = await VersionAsync(site, query);
            readers.Add((query, version, await SseReader.OpenAsync(site, $"{(query.Length > 0 ? query + "&" : "?")}version={version}")));
        }
    }

    private static async Task<string> VersionAsync(Site site, string query)
    {
        using var response = await site.Http.GetAsync(new Uri("/usage/table" + query, UriKind.Relative), Cancellation);
        return response.Headers.ETag!.Tag.Trim('"');
    }
}
