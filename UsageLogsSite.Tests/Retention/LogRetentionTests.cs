using UsageLogsSite.Retention;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Retention;

/// <summary>Old logs go; what pages show, what a rebuild makes and what verify finds stay the same.</summary>
public sealed class LogRetentionTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly RetentionPeriod OneMonth = new(1);

    private DateTime Cut { get; } = OneMonth.CutAt(DateTime.UtcNow);

    [Theory]
    [InlineData("13-months", 2026, 11, 23, "2025-10-01")]
    [InlineData("1-months", 2026, 1, 1, "2025-12-01")]
    [InlineData("12-months", 2026, 12, 31, "2025-12-01")]
    [InlineData("1200-months", 2026, 12, 31, "1926-12-01")]
    public void A_period_keeps_whole_months_before_the_current_one(string period, int year, int month, int day, string cut) =>
        Assert.Equal(cut, RetentionPeriod.Parse(period)!.Value.CutAt(new DateTime(year, month, day, 12, 0, 0, DateTimeKind.Utc)).ToString("yyyy-MM-dd"));

    [Theory]
    [InlineData("")]
    [InlineData("0-months")]
    [InlineData("1201-months")]
    [InlineData("-1-months")]
    [InlineData("13")]
    [InlineData("13 months")]
    [InlineData("400-days")]
    public void Anything_else_is_no_period(string text) => Assert.Null(RetentionPeriod.Parse(text));

    [Fact]
    public async Task Totals_the_page_and_a_rebuild_are_the_same_without_the_logs()
    {
        await FillAsync();
        await using var site = await Site.StartAsync(Database);
        var shown = await ShownAsync(site);
        var totals = await TotalsAsync();
        var logs = await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE created_at < $1", Cut);

        var dropped = await RetainAsync();

        Assert.Equal(logs, dropped.Values.Sum());
        Assert.True(dropped.Count >= 3, "Two partitions and the default one had old logs.");
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE created_at < $1", Cut));
        Assert.Equal(logs, await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_archive"));
        Assert.All(await new Partitions(Database.DataSource, TimeProvider.System).ListAsync(Cancellation), p => Assert.False(p.End <= Cut));
        await Totals.AssertExactAsync(Database);
        Assert.Equal(totals, await TotalsAsync());
        Assert.Equal(shown, await ShownAsync(site));

        // A rebuild has nothing but sums to make the old part from.
        await Database.ExecuteAsync("DELETE FROM usage_totals");
        Assert.Equal(0, (await CommandRun.RunAsync("rollup", "rebuild", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}")).ExitCode);
        Assert.Equal(totals, await TotalsAsync());
        Assert.Empty(await RetainAsync());
    }

    [Fact]
    public async Task Old_logs_that_come_later_join_the_sums_of_their_quarter()
    {
        await FillAsync();
        await RetainAsync();
        var kept = await Database.ScalarAsync<long>("SELECT count(*) FROM usage_archive");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, cost_usd, created_at) SELECT user_id, 'late', 1, quarter + interval '14 minutes' FROM usage_archive");
        Assert.Equal(kept, (await RetainAsync())[Partitions.Default]);
        Assert.Equal(kept, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_archive WHERE last_activity >= quarter + interval '14 minutes' AND requests > 1"));
        await using var site = await Site.StartAsync(Database);
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task The_last_activity_of_a_user_whose_other_logs_are_deleted_is_that_of_a_dropped_one()
    {
        var ann = await Database.AddUserAsync("Ann");
        var old = Cut.AddDays(-3).AddMinutes(7);
        await Database.AddLogAsync(ann, at: old);
        await Database.AddLogAsync(ann);
        await RetainAsync();
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await site.FoldedAsync();
        Assert.Equal(old, await Database.ScalarAsync<DateTime>("SELECT last_activity FROM usage_totals"));
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task A_user_who_is_deleted_takes_the_kept_sums_along()
    {
        await FillAsync();
        await using var site = await Site.StartAsync(Database);
        await RetainAsync();
        await Database.ExecuteAsync("DELETE FROM usage_logs WHERE user_id = (SELECT id FROM users ORDER BY id LIMIT 1); DELETE FROM users WHERE id = (SELECT id FROM users ORDER BY id LIMIT 1)");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(9L, await Database.ScalarAsync<long>("SELECT count(DISTINCT user_id) FROM usage_archive"));
    }

    [Fact]
    public async Task Truncated_logs_leave_the_sums_of_those_that_were_dropped_on_purpose()
    {
        await FillAsync();
        await using var site = await Site.StartAsync(Database);
        var logs = (await RetainAsync()).Values.Sum();
        await Database.ExecuteAsync("TRUNCATE usage_logs");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(logs, await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_totals"));
    }

    [Fact]
    public async Task No_writer_fails_while_old_months_go_and_no_log_is_lost_or_counted_twice()
    {
        await FillAsync();
        await using var site = await Site.StartBusyAsync(Database);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writes = 0;
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!done.IsCancellationRequested)
            {
                await WriteAsync();
                Interlocked.Increment(ref writes);
            }
        }));

        // Months that writers still fill come back, and go again.
        long dropped = 0;
        for (var i = 0; i < (Run.IsLong ? 40 : 4); i++)
        {
            dropped += (await RetainAsync()).Values.Sum();
            await new Partitions(Database.DataSource, TimeProvider.System).MakeAsync(Cut.AddMonths(-2), Cut, Cancellation);
            await Totals.AssertExactAsync(Database);
        }

        await done.CancelAsync();
        await writing;
        Assert.True(dropped > 3_000 && writes > 50, $"{dropped} dropped, {writes} writes.");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Equal(
            await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_totals"),
            await Database.ScalarAsync<long>("SELECT ((SELECT count(*) FROM usage_logs) + (SELECT sum(requests) FROM usage_archive))::bigint"));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task The_elected_site_drops_old_logs_if_asked_whatever_else_it_fails_to_do()
    {
        await FillAsync();
        await Database.ExecuteAsync("REVOKE DELETE ON ingest_ids FROM usage_rollup");
        await using var site = await Site.StartAsync(Database, new() { ["Retention:Keep"] = "1-months" });
        await Eventually.TrueAsync(async () => !await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_logs WHERE created_at < $1)", Cut), "old logs are gone");
        await Totals.AssertExactAsync(Database);
    }

    /// <summary>Ten users with 400 logs each, over four months with a partition and one without.</summary>
    private async Task FillAsync()
    {
        await new Partitions(Database.DataSource, TimeProvider.System).MakeAsync(Cut.AddMonths(-2), Cut, Cancellation);
        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT i || '@example.test', 'User ' || i FROM generate_series(1, 10) i");
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at)
            SELECT u.id, 'm', i, 2 * i, 0.25, i * 0.0000000001, now() - i * (now() - ($1 - interval '3 months')) / 400
            FROM users u, generate_series(1, 400) i
            """,
            Cut);
    }

    private async Task WriteAsync() => await Database.ExecuteAsync(Random.Shared.Next(4) switch
    {
        0 => "UPDATE usage_logs SET cost_usd = cost_usd + 1 WHERE id = (SELECT id FROM usage_logs ORDER BY random() LIMIT 1)",
        1 => "DELETE FROM usage_logs WHERE id = (SELECT id FROM usage_logs ORDER BY random() LIMIT 1)",
        _ => "INSERT INTO usage_logs (user_id, model, cost_usd, created_at) SELECT id, 'm', 1, now() - random() * interval '120 days' FROM users",
    });

    private async Task<Dictionary<string, long>> RetainAsync()
    {
        var dropped = new Dictionary<string, long>();
        var retention = new LogRetention(Database.DataSource, TimeProvider.System);
        await retention.RunAsync(await retention.PlanAsync(OneMonth, Cancellation), dropped.Add, Cancellation);
        return dropped;
    }

    private Task<List<string>> TotalsAsync() => Database.RowsAsync(
        "SELECT user_id, requests, tokens, trim_scale(credits_used), trim_scale(cost_usd), last_activity FROM usage_totals ORDER BY user_id");

    private static async Task<string> ShownAsync(Site site) => (await site.GetPageAsync("/usage?size=100")).QuerySelector("#usage-table")!.OuterHtml;
}
