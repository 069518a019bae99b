using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>A site with a primary and a real streaming standby: what is read where, and that nothing ever goes back.</summary>
public sealed partial class ReplicaTests(ReplicatedPostgres servers) : IClassFixture<ReplicatedPostgres>
{
    private const string Owners = "owners and analysts";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_users_members_and_files_are_read_on_the_replica_and_the_same_as_on_the_primary()
    {
        await using var database = await servers.CreateDatabaseAsync();
        var (ann, bob) = (await database.AddUserAsync("Ann"), await database.AddUserAsync("Bob"));
        await database.AddLogAsync(ann);
        await database.AddLogAsync(bob);
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        await using var alone = await Site.StartAsync(database);
        using var places = new ReadPlaces(site);
        var (member, memberAlone) = (await site.SignInAsync(AccountRole.Member, ann), await alone.SignInAsync(AccountRole.Member, ann));
        await servers.SetOnStandbyAsync("hot_standby_feedback", "on");
        foreach (var address in new[] { "/usage?sort=cost", "/usage?period=7d&chart=days", $"/users/{ann}", "/usage/export.csv", "/usage/logs.csv" })
        {
            var before = places.OnReplica;
            Assert.Equal(await TextAsync(alone, address, alone.Cookie), await TextAsync(site, address, site.Cookie));
            Assert.InRange(places.OnReplica - before, 1, long.MaxValue);
        }

        // Row-level security came along with the rest.
        foreach (var address in new[] { "/usage", $"/users/{bob}", "/usage/export.csv" })
        {
            var expected = await TextAsync(alone, address, memberAlone);
            Assert.Equal(expected, await TextAsync(site, address, member));
            Assert.DoesNotContain("Bob", expected, StringComparison.Ordinal);
        }

        // A file takes long, and such a query would be ended there.
        await servers.SetOnStandbyAsync("hot_standby_feedback", "off");
        var files = places.OnReplica;
        await TextAsync(site, "/usage/export.csv", site.Cookie);
        Assert.Equal((files, 1), (places.OnReplica, places.Of("feedback")));

        // The standby's own word: who was connected there and asked what.
        await using var standby = servers.OfStandby(database);
        foreach (var duty in new[] { "admin", "member" })
        {
            Assert.NotEqual(0L, await standby.ScalarAsync<long>(
                $"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite {duty}'"));
        }

        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task While_the_replica_replays_nothing_nothing_old_is_shown()
    {
        await using var database = await servers.CreateDatabaseAsync();
        var ann = await database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        using var places = new ReadPlaces(site);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.Equal(0, await RequestsAsync(site, "/usage?sort=cost"));
                return places.OnReplica > 0;
            },
            "the replica is asked");
        var (usable, resting, late) = (site.Logs.Count(7001, Owners), site.Logs.Count(7002, Owners), places.Of("lag"));

        await servers.PauseAsync(true);
        try
        {
            for (var i = 1; i <= 3; i++)
            {
                await database.AddLogAsync(ann);
                await stream.NextAsync();
                Assert.Equal(i, await RequestsAsync(site, "/usage/table"));
                await site.FoldedAsync();
                Assert.Equal(i, await RequestsAsync(site, $"/usage?sort={(i % 2 == 0 ? "cost" : "tokens")}&q=a"));
                Assert.Equal(i, await RequestsAsync(site, $"/usage?size={(i % 2 == 0 ? 10 : 50)}"));
            }

            Assert.InRange(places.Of("lag") - late, 1, 2);
            Assert.Equal(resting + 1, site.Logs.Count(7002, Owners));
        }
        finally
        {
            await servers.PauseAsync(false);
        }

        var before = places.OnReplica;
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.Equal(3, await RequestsAsync(site, "/usage?size=100"));
                return places.OnReplica > before;
            },
            "the replica is asked again");
        Assert.Equal(usable + 1, site.Logs.Count(7001, Owners));
    }

    [Fact]
    public async Task Numbers_of_two_sites_never_fall_and_none_misses_what_was_committed_before_it_was_asked()
    {
        await using var database = await servers.CreateDatabaseAsync();
        var ann = await database.AddUserAsync("Ann");
        await using var one = await Site.StartAsync(database, servers.SettingsOf(database));
        await using var two = await Site.StartAsync(database, servers.SettingsOf(database));
        using var places = new ReadPlaces(one);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        ended.CancelAfter(TimeSpan.FromSeconds(Run.IsLong ? 120 : 6));
        var (committed, shown, reads) = (0L, 0L, 0L);

        async Task WriteAsync()
        {
            for (var i = 0; !ended.IsCancellationRequested; i++)
            {
                // Every other one is seen before it is flushed.
                await database.ExecuteAsync(
                    $"SET synchronous_commit = {(i % 2 == 0 ? "off" : "on")}; UPDATE users SET name = 'N' || lpad('{i}', 9, '0') WHERE id = '{ann}'");
                Interlocked.Exchange(ref committed, i);
            }
        }

        async Task ReadAsync(Site site)
        {
            while (!ended.IsCancellationRequested)
            {
                var atLeast = Math.Max(Interlocked.Read(ref committed), Interlocked.Read(ref shown));
                using var response = await site.Http.GetAsync(new Uri($"/users/{ann}", UriKind.Relative), Cancellation);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                var html = await response.Content.ReadAsStringAsync(Cancellation);
                var start = html.IndexOf("N0", StringComparison.Ordinal);
                if (start < 0)
                    continue; // before the first change
                var number = long.Parse(html.AsSpan(start + 1, 9), CultureInfo.InvariantCulture);
                Assert.InRange(number, atLeast, long.MaxValue);
                for (var known = Interlocked.Read(ref shown); number > known; known = Interlocked.Read(ref shown))
                    Interlocked.CompareExchange(ref shown, number, known);
                Interlocked.Increment(ref reads);
            }
        }

        await Task.WhenAll([WriteAsync(), .. Enumerable.Range(0, 6).Select(i => ReadAsync(i % 2 == 0 ? one : two))]);
        TestContext.Current.SendDiagnosticMessage($"{committed} changes, {reads} reads, {places.OnReplica} of one site on the replica, {places.OnPrimary} on the primary");
        Assert.InRange(places.OnReplica, 10, long.MaxValue);
        Assert.InRange(shown, 10, long.MaxValue);
    }

    [Fact]
    public async Task A_replica_that_is_killed_is_nobodys_business_and_comes_back()
    {
        await using var database = await servers.CreateDatabaseAsync();
        var ann = await database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        using var places = new ReadPlaces(site);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var shown = 0L;
        var readers = Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!ended.IsCancellationRequested)
            {
                var atLeast = Interlocked.Read(ref shown);
                Assert.InRange(await RequestsAsync(site, "/usage?sort=cost"), atLeast, long.MaxValue);
            }
        }).ToList();
        await Eventually.TrueAsync(() => places.OnReplica > 10, "the replica is asked");
        var resting = site.Logs.Count(7002, Owners);

        await servers.KillStandbyAsync();
        try
        {
            for (var i = 1; i <= 5; i++)
            {
                await database.AddLogAsync(ann);
                await site.FoldedAsync();
                Interlocked.Exchange(ref shown, i);
                var before = places.OnPrimary;
                await Eventually.TrueAsync(() => places.OnPrimary > before + 5, "the primary answers");
            }

            using var ready = await site.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
            Assert.Equal(resting + 1, site.Logs.Count(7002, Owners));
        }
        finally
        {
            await servers.StartStandbyAsync();
        }

        var back = places.OnReplica;
        await Eventually.TrueAsync(() => places.OnReplica > back + 10, "the replica is asked again");
        await ended.CancelAsync();
        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task At_the_first_byte_of_a_segment_nobody_waits()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        using var places = new ReadPlaces(site);
        for (var i = 0; i < 5; i++)
        {
            await database.ExecuteAsync("SELECT pg_switch_wal()");
            await site.GetPageAsync("/usage?sort=cost");
        }

        // One that waited for what comes after the page's header would not have been asked at all.
        Assert.InRange(places.OnReplica, 4, 5);
    }

    [Fact]
    public async Task A_transaction_that_is_left_open_keeps_nobody_from_the_replica()
    {
        await using var database = await servers.CreateDatabaseAsync();
        var ann = await database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        await site.GetPageAsync("/usage?sort=cost");
        using var places = new ReadPlaces(site);
        for (var i = 0; i < 3; i++)
        {
            await using var connection = await database.DataSource.OpenConnectionAsync(Cancellation);
            await using var transaction = await connection.BeginTransactionAsync(Cancellation);
            await using var insert = new NpgsqlCommand($"INSERT INTO usage_logs (user_id, model) VALUES ('{ann}', 'm')", connection);
            await insert.ExecuteNonQueryAsync(Cancellation);
            await site.GetPageAsync($"/usage?sort={(i % 2 == 0 ? "tokens" : "cost")}");
        }

        Assert.Equal((3, 0), (places.OnReplica, places.Of("lag")));
    }

    [Fact]
    public async Task A_query_that_stands_in_the_way_of_replaying_is_answered_by_the_primary()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await database.AddUserAsync("Ann");
        await database.ExecuteAsync("CREATE TABLE scrap AS SELECT generate_series(1, 1000) AS a");
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        using var places = new ReadPlaces(site);
        await servers.SetOnStandbyAsync("max_standby_streaming_delay", "0");
        var calls = 0;
        var users = await site.Services.GetRequiredService<AdminDatabase>().ReadSnapshotAsync(
            async (context, cancellation) =>
            {
                var count = await context.Users.CountAsync(cancellation);
                if (++calls == 1)
                {
                    await database.ExecuteAsync("DELETE FROM scrap");
                    await database.ExecuteAsync("VACUUM scrap");
                    await context.Database.ExecuteSqlAsync($"SELECT pg_sleep(4)", cancellation);
                }

                return count;
            },
            Cancellation);
        Assert.Equal((1, 2), (users, calls));
        Assert.Equal((1, 1, 0), (places.Of("conflict"), places.OnPrimary, places.OnReplica));

        // The next one has nothing to do with it.
        await site.GetPageAsync("/usage?sort=cost");
        Assert.Equal(1, places.OnReplica);
    }

    [Fact]
    public async Task With_one_host_nothing_more_is_asked()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await database.AddUserAsync("Ann");
        await database.ExecuteAsync($"ALTER DATABASE {new NpgsqlConnectionStringBuilder(database.ConnectionString).Database} SET log_statement = 'all'");
        foreach (var (settings, hasSeveral) in new[] { (null, false), (servers.SettingsOf(database), true) })
        {
            var before = (await servers.PrimaryLogAsync()).Length;
            await using var site = await Site.StartAsync(database, settings);
            await site.GetPageAsync("/usage?sort=cost");
            await TextAsync(site, "/usage/export.csv", site.Cookie);
            var said = (await servers.PrimaryLogAsync())[before..];
            Assert.Contains("usage_totals", said, StringComparison.Ordinal);
            Assert.Equal(hasSeveral, said.Contains("pg_current_wal_insert_lsn", StringComparison.Ordinal));
            Assert.Equal(hasSeveral, said.Contains("pg_is_in_recovery", StringComparison.Ordinal));
        }
    }

    private static async Task<long> RequestsAsync(Site site, string address)
    {
        var page = await site.GetPageAsync(address);
        return long.Parse(page.QuerySelector("#total-requests data")!.GetAttribute("value")!, CultureInfo.InvariantCulture);
    }

    /// <summary>The status, and what stands there, but for the time of day.</summary>
    private static async Task<string> TextAsync(Site site, string address, string cookie)
    {
        using var response = await site.GetAsync(address, cookie);
        var body = await response.Content.ReadAsStringAsync(Cancellation);
        var text = body.StartsWith('<') ? new HtmlParser().ParseDocument(body).QuerySelector("main")!.TextContent : body;
        return $"{response.StatusCode} {TimeOfDay().Replace(text, "")}";
    }

    [GeneratedRegex(@"\d\d:\d\d:\d\d")]
    private static partial Regex TimeOfDay();
}
