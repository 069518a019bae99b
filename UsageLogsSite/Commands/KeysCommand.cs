using System.CommandLine;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Ingest;

namespace UsageLogsSite.Commands;

/// <summary><c>keys create|list|revoke</c>: API keys, by hand.</summary>
internal static class KeysCommand
{
    private static readonly Option<string> Name = new("--name") { Description = "What people call it.", Required = true };

    private static readonly Option<string?> Source = new("--source")
    {
        Description = "Whose row ids and idempotency keys it uses; those of another source are not known to it. Without, the name. A key that takes the place of another has the same.",
    };

    private static readonly Option<string[]> Scopes = new("--scopes")
    {
        Description = $"What it may do: {string.Join(", ", RowKind.Scopes)}. Without, all of these.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => RowKind.Scopes,
    };

    private static readonly Option<Guid> Id = new("--id") { Description = "The key's id, as 'keys list' shows it.", Required = true };

    internal static Command Create(string[] settings)
    {
        var create = new Command("create", "Makes a key for an application that writes over HTTP, and prints it, this once.") { Name, Source, Scopes };
        create.SetAction((parsed, cancellation) => RunAsync(settings, parsed, CreateAsync, cancellation));
        var list = new Command("list", "Lists the keys, the newest first.");
        list.SetAction((parsed, cancellation) => RunAsync(settings, parsed, ListAsync, cancellation));
        var revoke = new Command("revoke", "Revokes a key for good.") { Id };
        revoke.SetAction((parsed, cancellation) => RunAsync(settings, parsed, RevokeAsync, cancellation));
        return new Command("keys", "Looks after the API keys of applications that write over HTTP.") { create, list, revoke };
    }

    private static async Task<int> RunAsync(
        string[] settings, ParseResult parsed, Func<ApiKeyChanges, ParseResult, CancellationToken, Task<int>> run, CancellationToken cancellation)
    {
        await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
        await using var scope = host.CreateScope();
        await using var database = UsageDatabase.CreateContext(host.Owner);
        return await run(new ApiKeyChanges(database, scope.ServiceProvider.GetRequiredService<Audit>(), host.Time), parsed, cancellation);
    }

    private static async Task<int> CreateAsync(ApiKeyChanges changes, ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            var (key, stored) = await changes.AddAsync(
                http: null, parsed.GetRequiredValue(Name), parsed.GetValue(Source), parsed.GetRequiredValue(Scopes), cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"Made the key {stored.Id}, for {string.Join(", ", stored.Scopes)}, source {stored.Source}. It is shown this once; send it as 'Authorization: Bearer …':");
            await parsed.InvocationConfiguration.Output.WriteLineAsync(key);
            return CommandLine.Done;
        }
        catch (FormatException e)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return CommandLine.Trouble;
        }
    }

    private static async Task<int> ListAsync(ApiKeyChanges changes, ParseResult parsed, CancellationToken cancellation)
    {
        foreach (var key in await changes.ListAsync(cancellation))
        {
            var used = key.LastUsedAt is { } at ? $"used {at:yyyy-MM-dd HH:mm} UTC" : "never used";
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"{key.Id}  {(key.RevokedAt is null ? "open   " : "revoked")}  {key.Name}  source {key.Source}  {string.Join(' ', key.Scopes)}  {used}");
        }

        return CommandLine.Done;
    }

    private static async Task<int> RevokeAsync(ApiKeyChanges changes, ParseResult parsed, CancellationToken cancellation)
    {
        if (await changes.RevokeAsync(http: null, parsed.GetRequiredValue(Id), cancellation) is not null)
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync("Revoked: it is refused within seconds.");
            return CommandLine.Done;
        }

        await parsed.InvocationConfiguration.Error.WriteLineAsync("There is no such key that was not revoked; 'keys list' shows them.");
        return CommandLine.Trouble;
    }
}
