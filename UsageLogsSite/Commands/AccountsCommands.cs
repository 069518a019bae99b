using System.CommandLine;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Commands;

/// <summary><c>accounts add|disable|enable|list</c>: who may sign in, for an operator who cannot.</summary>
internal static class AccountsCommands
{
    private static readonly Option<string> Email = new("--email") { Description = "The account's e-mail address.", HelpName = "address", Required = true };
    private static readonly Option<string> User = new("--user") { Description = "For a member: whose usage they see, by the e-mail address or id of a row of users.", HelpName = "user" };
    private static readonly Option<string> Password = new("--password") { Description = "Default: one is made and printed once. Commands are kept by shells: change a given one soon.", HelpName = "password" };

    private static readonly Option<AccountRole> Role = new("--role")
    {
        Description = "owner: sees and changes everything. analyst: sees everything. member: sees their own usage.",
        HelpName = "owner|analyst|member",
        Required = true,
        CustomParser = argument =>
        {
            var text = argument.Tokens[0].Value;
            var role = Names.Parse(text, AccountRole.Member);
            if (Names.Of(role) == text)
                return role;
            argument.AddError($"--role is '{text}'; allowed is owner, analyst or member.");
            return default;
        },
    };

    internal static Command Create(string[] settings) => new("accounts", "Looks after who may sign in.")
    {
        Add(settings),
        Switch(settings, "disable", "Refuses an account, and ends its sessions.", isDisabled: true),
        Switch(settings, "enable", "Lets an account sign in again.", isDisabled: false),
        List(settings),
    };

    private static Command Add(string[] settings)
    {
        var command = new Command("add", "Makes an account.") { Email, Role, User, Password };
        command.SetAction(async (parsed, cancellation) =>
        {
            var (email, output) = (parsed.GetRequiredValue(Email), parsed.InvocationConfiguration.Output);
            var password = parsed.GetValue(Password) ?? Accounts.NewPassword();
            return await RunAsync(settings, parsed.InvocationConfiguration.Error, async (changes, _) =>
            {
                var role = parsed.GetRequiredValue(Role);
                await changes.AddAsync(http: null, email, role, parsed.GetValue(User), password, cancellation);
                await output.WriteLineAsync($"Added {email}, {Names.Of(role)}.");
                if (parsed.GetValue(Password) is null)
                    await output.WriteLineAsync($"Password, shown this once: {password}");
            }, cancellation);
        });
        return command;
    }

    private static Command Switch(string[] settings, string name, string description, bool isDisabled)
    {
        var command = new Command(name, description) { Email };
        command.SetAction(async (parsed, cancellation) =>
        {
            var email = parsed.GetRequiredValue(Email);
            return await RunAsync(settings, parsed.InvocationConfiguration.Error, async (changes, accounts) =>
            {
                var account = await accounts.FindAsync(email) ?? throw new AccountException($"There is no account of {email}.");
                await changes.SwitchAsync(account.Id, isDisabled, cancellation);
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"{account.Email} {(isDisabled ? "is disabled and signed out everywhere" : "may sign in")}.");
            }, cancellation);
        });
        return command;
    }

    private static Command List(string[] settings)
    {
        var command = new Command("list", "Shows all accounts.");
        command.SetAction((parsed, cancellation) => RunAsync(settings, parsed.InvocationConfiguration.Error, async (_, accounts) =>
        {
            foreach (var a in await accounts.ListAsync(cancellation))
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"{a.Email,-40} {Names.Of(a.Role),-8} {(a.IsDisabled ? "disabled" : "")} {a.UserId}".TrimEnd());
        }, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string[] settings, TextWriter error, Func<AccountChanges, Accounts, Task> work, CancellationToken cancellation)
    {
        await using var host = await CommandHost.OpenAsync(settings, Schema.AsTheSite, cancellation);
        await using var scope = host.CreateScope();
        try
        {
            await work(scope.ServiceProvider.GetRequiredService<AccountChanges>(), scope.ServiceProvider.GetRequiredService<Accounts>());
            return CommandLine.Done;
        }
        catch (AccountException e)
        {
            await error.WriteLineAsync(e.Message);
            return CommandLine.Trouble;
        }
    }
}
