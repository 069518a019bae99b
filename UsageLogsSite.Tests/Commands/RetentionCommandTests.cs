using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

public sealed class RetentionCommandTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("Option '--keep' is required")]
    [InlineData("--keep is '400-days'; allowed is 1-months to 1200-months, such as 13-months.", "--keep", "400-days")]
    [InlineData("'--force' is not an option of 'retention'; allowed is --keep, --dry-run.", "--keep", "1-months", "--force")]
    [InlineData("Retention:Keep is soon; allowed is 1-months", "--keep", "1-months", "--Retention:Keep=soon")]
    public async Task What_is_wrong_is_named_together_with_what_is_allowed(string message, params string[] args)
    {
        var ran = await RunAsync(args);
        Assert.Equal((CommandLine.Trouble, ""), (ran.ExitCode, ran.Output));
        Assert.Contains(message, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_what_would_go_then_what_went_then_that_nothing_is_left()
    {
        await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("SELECT usage_logs_add_partition('2020-03-01'); INSERT INTO usage_logs (user_id, model, created_at) SELECT id, 'm', t::timestamptz FROM users, (VALUES ('2020-03-05'), ('2020-04-05'), ('today')) v (t)");

        var dry = await RunAsync("--keep", "13-months", "--dry-run");
        Assert.Equal((CommandLine.Done, ""), (dry.ExitCode, dry.Error));
        Assert.Matches(@"would go, their sums stay:\s+usage_logs_y2020m03 +about .* logs .* MB\s+usage_logs_default +1 logs\s+Nothing was dropped\.", dry.Output);
        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));

        var ran = await RunAsync("--keep", "13-months");
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        Assert.Matches(@"usage_logs_y2020m03 +1 logs\s+usage_logs_default +1 logs\s+2 logs of 1 partitions were dropped in ", ran.Output);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));

        var again = await RunAsync("--keep", "13-months");
        Assert.Equal(CommandLine.Done, again.ExitCode);
        Assert.Contains("nothing to drop", again.Output, StringComparison.Ordinal);
    }

    private Task<CommandRun> RunAsync(params string[] args) => CommandRun.RunAsync(["retention", .. args, $"--ConnectionStrings:UsageLogs={Database.ConnectionString}"]);
}
