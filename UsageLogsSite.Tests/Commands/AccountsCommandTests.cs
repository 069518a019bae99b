using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

/// <summary><c>accounts add|disable|enable|list</c>.</summary>
public sealed class AccountsCommandTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task An_operator_makes_accounts_that_sign_in()
    {
        var user = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Limits:SignInsPerMinute"] = "100" });
        var (exitCode, output, _) = await RunAsync("add", "--email", "owner@example.test", "--role", "owner", "--password", "correct horse battery");
        Assert.Equal((CommandLine.Done, "Added owner@example.test, owner.\n"), (exitCode, output));
        using var owner = new Visit(site.Address);
        await owner.SignInAsync("owner@example.test", "correct horse battery");
        await owner.PageAsync("/admin/accounts");

        (exitCode, output, _) = await RunAsync("add", "--email", "ann@example.test", "--role", "member", "--user", $"{user}");
        Assert.Equal(CommandLine.Done, exitCode);
        var password = output.Trim().Split(' ')[^1];
        using var member = new Visit(site.Address);
        await member.SignInAsync("ann@example.test", password);
        Assert.Equal(user, await Database.ScalarAsync<Guid>("SELECT user_id FROM accounts WHERE email = 'ann@example.test'"));

        Assert.Equal(CommandLine.Done, (await RunAsync("disable", "--email", "ann@example.test")).ExitCode);
        using (var gone = await member.GetAsync("/usage"))
            Assert.Equal(System.Net.HttpStatusCode.Redirect, gone.StatusCode);
        Assert.Contains("disabled", (await RunAsync("list")).Output, StringComparison.Ordinal);
        Assert.Equal(CommandLine.Done, (await RunAsync("enable", "--email", "ann@example.test")).ExitCode);
        await member.SignInAsync("ann@example.test", password);
        Assert.Equal(
            ["AddedAccount", "AddedAccount", "ChangedAccount", "ChangedAccount"],
            (await Database.RowsAsync("SELECT action FROM audit_log WHERE who = '' ORDER BY id")).ToArray());
    }

    [Theory]
    [InlineData("add --email a@example.test --role emperor", "--role is 'emperor'; allowed is owner, analyst or member")]
    [InlineData("add --email nonsense --role owner", "is 'nonsense'; allowed is an e-mail address")]
    [InlineData("add --email a@example.test --role owner --password short", "at least 12 characters")]
    [InlineData("add --email a@example.test --role member --user nobody@example.test", "no user with the id or e-mail address 'nobody@example.test'")]
    [InlineData("disable --email nobody@example.test", "no account of nobody@example.test")]
    public async Task What_is_not_allowed_is_said(string arguments, string message)
    {
        var (exitCode, _, error) = await RunAsync(arguments.Split(' '));
        Assert.Equal(CommandLine.Trouble, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts"));
    }

    [Fact]
    public async Task The_last_owner_is_not_disabled()
    {
        await RunAsync("add", "--email", "owner@example.test", "--role", "owner");
        var (exitCode, _, error) = await RunAsync("disable", "--email", "owner@example.test");
        Assert.Equal(CommandLine.Trouble, exitCode);
        Assert.Contains("last owner", error, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = await CommandLine.RunAsync(["accounts", .. arguments, $"--ConnectionStrings:UsageLogs={Database.ConnectionString}"], output, error);
        return (exitCode, $"{output}", $"{error}");
    }
}
