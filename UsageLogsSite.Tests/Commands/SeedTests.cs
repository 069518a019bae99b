using System.Globalization;
using System.Text.RegularExpressions;
using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

public sealed class SeedTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Rows = """
        SELECT 'u' || u FROM (SELECT * FROM users ORDER BY id) u
        UNION ALL SELECT 'l' || l FROM (SELECT * FROM usage_logs ORDER BY id) l
        UNION ALL SELECT 'p' || p FROM (SELECT * FROM credit_purchases ORDER BY id) p
        """;

    [Fact]
    public async Task It_loads_what_was_asked_for_and_leaves_exact_totals()
    {
        var ran = await SeedAsync(Database, 300, 120_000, 5_000);
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        Assert.Equal(["300|120000|5000|0"], await Database.RowsAsync(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM usage_logs), (SELECT count(*) FROM credit_purchases), (SELECT count(*) FROM usage_deltas)"));
        await Totals.AssertExactAsync(Database);
        Assert.Equal(120_000L, await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_totals"));
    }

    [Fact]
    public async Task What_it_loads_is_skewed_and_recent_as_in_life()
    {
        await SeedAsync(Database, 1_000, 60_000, 2_000);

        // A tenth of the users has most of the logs, and the last of thirteen months more than its share.
        Assert.InRange(await Database.ScalarAsync<decimal>("SELECT sum(requests) / 60000.0 FROM (SELECT requests FROM usage_totals ORDER BY requests DESC LIMIT 100) t"), 0.5m, 0.9m);
        Assert.InRange(await Database.ScalarAsync<decimal>("SELECT count(*) / 60000.0 FROM usage_logs WHERE created_at > now() - interval '30 days'"), 0.12m, 0.3m);
        Assert.True(await Database.ScalarAsync<bool>("SELECT min(created_at) < now() - interval '12 months' AND max(created_at) <= now() FROM usage_logs"));
        Assert.InRange(await Database.ScalarAsync<decimal>("SELECT avg((status = 'failed')::int) FROM usage_logs"), 0.02m, 0.04m);
        Assert.Equal(4L, await Database.ScalarAsync<long>("SELECT count(DISTINCT model) FROM usage_logs"));
        Assert.Equal(4L, await Database.ScalarAsync<long>("SELECT count(DISTINCT status) FROM credit_purchases"));
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM credit_purchases JOIN users u ON u.id = user_id WHERE u.user_type = 'internal')"));
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_logs l JOIN users u ON u.id = l.user_id WHERE l.created_at < u.created_at)"));
    }

    [Fact]
    public async Task The_same_seed_makes_the_same_rows_and_another_end_moves_only_their_times()
    {
        await using var again = await Cluster.CreateDatabaseAsync();
        await using var later = await Cluster.CreateDatabaseAsync();
        await SeedAsync(Database, 40, 60_000, 300, "--seed", "7", "--until", "2026-01-31T12:00:00");
        await SeedAsync(again, 40, 60_000, 300, "--seed", "7", "--until", "2026-01-31T12:00:00");
        await SeedAsync(later, 40, 60_000, 300, "--seed", "7", "--until", "2026-02-01T12:00:00");

        var rows = await Database.RowsAsync(Rows);
        Assert.Equal(rows, await again.RowsAsync(Rows));
        foreach (var table in new[] { "users", "usage_logs", "credit_purchases" })
            await later.ExecuteAsync($"UPDATE {table} SET created_at = created_at - interval '24 hours'");
        Assert.Equal(rows, await later.RowsAsync(Rows));
    }

    [Fact]
    public async Task Seeds_add_up_and_one_that_was_loaded_before_is_refused()
    {
        await SeedAsync(Database, 20, 500, 50, "--seed", "1");
        var shown = await SeedAsync(Database, 20, 500, 50);
        Assert.Matches(@"--seed \d+ --until \d{4}-", shown.Output);
        var refused = await SeedAsync(Database, 20, 500, 50, "--seed", Regex.Match(shown.Output, @"--seed (\d+)").Groups[1].Value);
        Assert.Equal(CommandLine.Trouble, refused.ExitCode);
        Assert.Contains("already. Give another one.", refused.Error, StringComparison.Ordinal);
        Assert.Equal(["40|1000|100"], await Database.RowsAsync(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM usage_logs), (SELECT count(*) FROM credit_purchases)"));
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task It_loads_beside_writers_while_a_site_folds_and_totals_stay_exact()
    {
        await Database.AddUsersAsync(15);
        await using var site = await Site.StartAsync(Database);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writing = Task.WhenAll(Enumerable.Range(0, 3).Select(writer => new RandomWriter(Database, seed: writer) { IsGentle = true }.RunUntilAsync(done.Token)));
        var ran = await SeedAsync(Database, 2_000, Run.IsLong ? 1_000_000 : 150_000, 3_000);
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        await Totals.AssertExactAsync(Database);
        await done.CancelAsync();
        await writing;
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task Redirected_it_says_what_it_does_in_plain_lines()
    {
        var ran = await SeedAsync(Database, 10, 100_000, 10);
        Assert.All(
            ran.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            line => Assert.Matches(@"^(Loading .*|(users|purchases|logs): \d+%|Loaded in .*|Rebuilding .*|Totals were .*)$", line));
    }

    private static Task<CommandRun> SeedAsync(PostgresDatabase database, int users, int logs, int purchases, params string[] more) => CommandRun.RunAsync(
    [
        "seed", "--users", Text(users), "--logs", Text(logs), "--purchases", Text(purchases), .. more, $"--ConnectionStrings:UsageLogs={database.ConnectionString}",
    ]);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
