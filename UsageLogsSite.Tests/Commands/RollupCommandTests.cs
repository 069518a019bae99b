using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

public sealed class RollupCommandTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Verify_says_that_totals_are_exact_with_what_is_not_folded_yet_counted_in()
    {
        await FoldUsersAsync();
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT id, 'm', 0.1 FROM users; UPDATE users SET user_type = 'internal'");
        var ran = await VerifyAsync();
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        Assert.Matches(@"Totals are exact: 1?\d rows of totals compared", ran.Output);
        Assert.Contains("6 changes not folded yet", ran.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE usage_totals SET requests = 8 WHERE user_id = $1", "requests", "1", "8")]
    [InlineData("UPDATE usage_totals SET cost_usd = 0.2500000001 WHERE user_id = $1", "cost_usd", "0.25", "0.2500000001")]
    [InlineData("UPDATE usage_totals SET revenue_usd = 7 WHERE user_id = $1", "revenue_usd", "0", "7")]
    [InlineData("UPDATE usage_totals SET user_type = 'internal' WHERE user_id = $1", "user_type", "external", "internal")]
    [InlineData("UPDATE usage_totals SET last_activity = '-infinity' WHERE user_id = $1", "last_activity", "+00", "-infinity")]
    [InlineData("DELETE FROM usage_totals WHERE user_id = $1", "row", "there", "none")]
    [InlineData("UPDATE usage_totals SET user_id = '00000000-0000-0000-0000-000000000001' WHERE user_id = $1", "row", "none", "there")]
    [InlineData("INSERT INTO usage_deltas (user_id, requests) VALUES ($1, 2)", "requests", "-1", "1")]
    public async Task Verify_names_every_user_and_column_that_differs(string damage, string column, string expected, string found)
    {
        await FoldUsersAsync();
        var user = await Database.ScalarAsync<Guid>("SELECT id FROM users LIMIT 1");
        await Database.ExecuteAsync(damage, user);
        var ran = await VerifyAsync();
        Assert.Equal(CommandLine.Found, ran.ExitCode);
        Assert.Contains("Totals differ in", ran.Output, StringComparison.Ordinal);
        Assert.Matches($@"usage_totals +(00000000-0000-0000-0000-000000000001|{user}) {column} +\S*( \S*)?{System.Text.RegularExpressions.Regex.Escape(expected)} +{found}\s", ran.Output);
    }

    [Fact]
    public async Task Verify_says_that_a_rebuild_is_due_where_no_site_does_it()
    {
        await FoldUsersAsync();
        await Database.ExecuteAsync("TRUNCATE usage_logs");
        var ran = await VerifyAsync();
        Assert.Equal(CommandLine.Found, ran.ExitCode);
        Assert.Contains("run 'rollup rebuild'", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_waits_for_a_truncating_writer_and_for_the_rebuild_that_follows()
    {
        await FoldUsersAsync();
        await using var site = await Site.StartAsync(Database);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var truncate = new Npgsql.NpgsqlCommand("TRUNCATE usage_logs", connection))
            await truncate.ExecuteNonQueryAsync(Cancellation);
        var verifying = VerifyAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(500), Cancellation);
        Assert.False(verifying.IsCompleted);
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(CommandLine.Done, (await verifying).ExitCode);
    }

    [Fact]
    public async Task Verify_refuses_a_schema_that_is_not_up_to_date()
    {
        await Database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        var ran = await VerifyAsync();
        Assert.Equal(CommandLine.Trouble, ran.ExitCode);
        Assert.Contains("-- migrate", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rebuild_repairs_totals_by_the_site_that_folds_or_by_itself(bool siteRuns)
    {
        await FoldUsersAsync();
        await using var site = siteRuns ? await Site.StartAsync(Database) : null;
        await Database.ExecuteAsync("UPDATE usage_totals SET requests = requests + 5, cost_usd = 0");
        await Database.ExecuteAsync("INSERT INTO usage_totals SELECT gen_random_uuid(), 'internal', 1, 1, 1, 1, 1, 1, 1, now()");
        await Database.ExecuteAsync("DELETE FROM usage_totals WHERE user_id = (SELECT id FROM users LIMIT 1)");
        Assert.Equal(CommandLine.Found, (await VerifyAsync()).ExitCode);

        var ran = await CommandRun.RunAsync("rollup", "rebuild", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}");
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        Assert.Equal(siteRuns, ran.Output.Contains("A running site does it.", StringComparison.Ordinal));
        Assert.Contains("Totals were rebuilt in", ran.Output, StringComparison.Ordinal);
        Assert.Equal(CommandLine.Done, (await VerifyAsync()).ExitCode);

        // A command that folded has left the election to others.
        await using var next = await Site.StartAsync(Database);
        await Database.AddUserAsync("Bob");
        await next.FoldedAsync();
    }

    private Task<CommandRun> VerifyAsync() => CommandRun.RunAsync("rollup", "verify", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}");

    private async Task FoldUsersAsync()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await Totals.AssertExactAsync(Database);
    }
}
