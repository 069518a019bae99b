using System.Diagnostics;
using System.Net;
using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

/// <summary>What the fold survives: its own end at any moment, rebuilds under load, and more work than it can do at once.</summary>
public sealed class FoldFaultTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private const string FoldOfThisDatabase = "application_name = 'UsageLogsSite rollup' AND datname = current_database()";

    [Fact]
    public async Task However_often_the_fold_is_killed_and_the_site_restarted_nothing_is_lost_or_counted_twice()
    {
        var ends = Run.IsLong ? 20 : 5;
        await Database.AddUsersAsync(15);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writing = Task.WhenAll(Enumerable.Range(0, 8).Select(writer =>
            new RandomWriter(Database, seed: writer) { HotPercent = 40, IsGentle = writer > 0 }.RunUntilAsync(done.Token)));

        var site = await Site.StartBusyAsync(Database);
        for (var i = 0; i < ends; i++)
        {
            await Eventually.TrueAsync(() => site.Logs.Count(2003) > 0, "the site folds");
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(100, 600)), Cancellation);
            var elections = site.Logs.Count(2001);
            await Database.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {FoldOfThisDatabase}");
            await Eventually.TrueAsync(() => site.Logs.Count(2001) > elections, "the site folds again");
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(0, 300)), Cancellation);
            await site.DisposeAsync();
            site = await Site.StartBusyAsync(Database);
        }

        await done.CancelAsync();
        await writing;
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Empty(site.Logs.Errors);
        await site.DisposeAsync();
    }

    [Fact]
    public async Task Rows_of_any_year_are_counted()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        DateTime[] times = [DateTime.UnixEpoch, new(1999, 12, 31, 23, 59, 59, DateTimeKind.Utc), new(2010, 6, 1, 0, 0, 0, DateTimeKind.Utc), new(2199, 12, 31, 0, 0, 0, DateTimeKind.Utc)];
        foreach (var at in times)
        {
            await Database.AddLogAsync(ann, 1, at);
            await site.FoldedAsync();
            await Totals.AssertExactAsync(Database);
            Assert.Equal(at, await Database.ScalarAsync<DateTime>("SELECT last_activity FROM usage_totals"));
        }

        await Database.ExecuteAsync("DELETE FROM usage_logs WHERE created_at > '1999-01-01'");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(DateTime.UnixEpoch, await Database.ScalarAsync<DateTime>("SELECT last_activity FROM usage_totals"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rebuild_amid_writers_shows_nobody_partial_sums(bool siteRuns)
    {
        const int Logs = 3_000;
        await Database.AddUsersAsync(30);
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT (SELECT id FROM users ORDER BY id OFFSET i % 30 LIMIT 1), 'm', 1 FROM generate_series(1, $1) i", Logs);
        var site = await Site.StartAsync(Database);
        if (!siteRuns)
            await site.DisposeAsync();

        // Writers only move logs from user to user: whatever else readers see, the sum over all users never changes.
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var moving = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => UntilAsync(
            () => Database.ExecuteAsync("UPDATE usage_logs SET user_id = (SELECT id FROM users ORDER BY random() LIMIT 1) WHERE id = (SELECT id FROM usage_logs ORDER BY random() LIMIT 1)"),
            done.Token)));
        var polls = 0;
        var polling = UntilAsync(
            async () =>
            {
                Assert.Equal([$"{Logs}|{Logs}|30"], await Database.RowsAsync("SELECT sum(requests), trim_scale(sum(cost_usd)), count(*) FROM usage_totals"));
                polls++;
            },
            done.Token);
        for (var i = 0; i < (Run.IsLong ? 50 : 6); i++)
        {
            var ran = await CommandRun.RunAsync("rollup", "rebuild", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}");
            Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
            await Totals.AssertExactAsync(Database);
        }

        await done.CancelAsync();
        await moving;
        await polling;
        Assert.True(polls > 20, $"Only {polls} looks.");
        await site.DisposeAsync();
        await using var next = await Site.StartAsync(Database);
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task Another_site_takes_over_soon_after_the_leader_was_killed()
    {
        var settings = new Dictionary<string, string> { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString, ["Database:MigrateOnStartup"] = "false" };
        var ann = await Database.AddUserAsync("Ann");
        List<RunningApp> sites = [];
        try
        {
            var leader = await StartAsync();
            for (var i = 0; i < (Run.IsLong ? 10 : 2); i++)
            {
                var next = await StartAsync();
                await Eventually.TrueAsync(async () => await Database.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE {FoldOfThisDatabase}") == 2, "both sites stand for election");
                Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));

                // Busy when it dies, so that its promise to poll is still in force, and writers are silent.
                for (var log = 0; log < 20; log++)
                    await Database.AddLogAsync(ann);
                await leader.CrashAsync();
                var start = Stopwatch.GetTimestamp();
                await Database.AddLogAsync(ann);
                await Eventually.TrueAsync(async () => !await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_deltas)"), "the other site folds");
                var took = Stopwatch.GetElapsedTime(start);
                TestContext.Current.SendDiagnosticMessage("Takeover after kill -9: {0:0} ms", took.TotalMilliseconds);
                Assert.InRange(took.TotalSeconds, 0, 6); // a second or less, where nothing runs beside it
                await Totals.AssertExactAsync(Database);
                leader = next;
            }
        }
        finally
        {
            foreach (var site in sites)
                await site.DisposeAsync();
        }

        async Task<RunningApp> StartAsync()
        {
            var site = await published.StartAsync(settings);
            sites.Add(site);
            return site;
        }
    }

    [Fact]
    public async Task A_large_backlog_is_folded_in_bounded_batches_while_the_page_keeps_answering()
    {
        var backlog = Run.IsLong ? 1_000_000L : 100_000L;
        await Database.AddUsersAsync(999);
        await Database.ExecuteAsync(
            "INSERT INTO usage_logs (user_id, model, cost_usd) SELECT u.id, 'm', 0.5 FROM generate_series(1, $1) i JOIN (SELECT id, row_number() OVER () n FROM users) u ON u.n = 1 + i % 999", backlog);
        var seen = new HashSet<long>();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var counting = UntilAsync(async () => seen.Add(await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas")), done.Token);
        await using var site = await Site.StartBusyAsync(Database, new() { ["Rollup:BatchSize"] = "10000" });
        var start = Stopwatch.GetTimestamp();
        var slowest = TimeSpan.Zero;
        do
        {
            var asked = Stopwatch.GetTimestamp();
            using (var page = await site.Http.GetAsync(new Uri("/usage?sort=cost", UriKind.Relative), Cancellation))
                Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(asked).Ticks));
            Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 120, "Two minutes were not enough.");
        }
        while (await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_deltas)"));

        TestContext.Current.SendDiagnosticMessage("Backlog of {0:N0}: {1:0.0} s, slowest page {2:0} ms", backlog, Stopwatch.GetElapsedTime(start).TotalSeconds, slowest.TotalMilliseconds);
        await done.CancelAsync();
        await counting;
        Assert.True(seen.Count > 3, "The backlog went in one piece.");
        Assert.InRange(slowest.TotalSeconds, 0, 3);
        await Totals.AssertExactAsync(Database);
    }

    private static async Task UntilAsync(Func<Task> actAsync, CancellationToken stopped)
    {
        while (!stopped.IsCancellationRequested)
            await actAsync();
    }
}
