using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

public sealed class CommandLineTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData(false)]
    [InlineData(false, "")]
    [InlineData(false, "--urls", "http://127.0.0.1:5081")]
    [InlineData(false, "--urls=http://127.0.0.1:5081")]
    [InlineData(false, "urls=http://127.0.0.1:5081")]
    [InlineData(false, "/urls", "http://127.0.0.1:5081")]
    [InlineData(false, "--Demo:Traffic=false", "--urls", "http://127.0.0.1:5081")]
    [InlineData(false, "--Demo:Traffic", "false")]
    [InlineData(false, "--environment=Development", "--contentRoot=/srv")]
    [InlineData(true, "migrate")]
    [InlineData(true, "--Database:MigrateOnStartup", "false", "migrate")]
    [InlineData(true, "sede")]
    [InlineData(true, "--help")]
    [InlineData(true, "-h")]
    public void Settings_start_the_site_and_words_are_commands(bool isCommand, params string[] args) =>
        Assert.Equal(isCommand, CommandLine.Names(args));

    [Theory]
    [InlineData("'sede' is not a command of this program; allowed is migrate, seed, retention, attach, detach, accounts, embed, keys, health, rollup.", "sede")]
    [InlineData("A command of 'rollup' is missing; allowed is verify, rebuild.", "rollup")]
    [InlineData("'--force' is not an option of 'migrate'; allowed is none.", "migrate", "--force")]
    [InlineData("'now' is not an option of 'migrate'", "migrate", "now")]
    [InlineData("'--user' is not an option of 'seed'; allowed is --users, --logs, --purchases, --seed, --until.", "seed", "--user", "1", "--users", "1", "--logs", "1", "--purchases", "1")]
    [InlineData("Option '--purchases' is required", "seed", "--users", "1", "--logs", "1")]
    [InlineData("--users is '0'; allowed is a whole number from 1 to 10000000.", "seed", "--users", "0", "--logs", "1", "--purchases", "1")]
    [InlineData("--logs is 'many'; allowed is a whole number from 0 to 1000000000.", "seed", "--users", "1", "--logs", "many", "--purchases", "1")]
    [InlineData("--until is 'soon'; allowed is a time", "seed", "--users", "1", "--logs", "1", "--purchases", "1", "--until", "soon")]
    [InlineData("ConnectionStrings:UsageLogs cannot be read", "migrate", "--ConnectionStrings:UsageLogs=Hots=x")]
    [InlineData("Rollup:BatchSize is 0; allowed is 1 to 1000000", "migrate", "--ConnectionStrings:UsageLogs=Host=127.0.0.1;Port=9", "--Rollup:BatchSize", "0")]
    public async Task What_is_wrong_is_named_together_with_what_is_allowed(string message, params string[] args)
    {
        var ran = await CommandRun.RunAsync(args);
        Assert.Equal((CommandLine.Trouble, ""), (ran.ExitCode, ran.Output));
        Assert.Contains(message, ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("migrate", "--help")]
    [InlineData("Without a command the site starts", "--help")]
    [InlineData("--users <n> (REQUIRED)", "seed", "--help")]
    public async Task Help_tells_what_there_is(string text, params string[] args)
    {
        var ran = await CommandRun.RunAsync(args);
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
        Assert.Contains(text, ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_makes_the_schema_of_an_empty_database_and_leaves_one_that_is_up_to_date_alone()
    {
        await Database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        for (var i = 0; i < 2; i++)
            Assert.Equal(CommandLine.Done, (await CommandRun.RunAsync("migrate", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}")).ExitCode);
        await Database.AddLogAsync(await Database.AddUserAsync("Ann"));
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas"));
    }
}

/// <summary>What a command said and how it ended.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    internal static async Task<CommandRun> RunAsync(params string[] args)
    {
        await using StringWriter output = new(), error = new();
        var exitCode = await CommandLine.RunAsync(args, output, error);
        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }
}
