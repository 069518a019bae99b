using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Commands;

/// <summary><c>embed create|list|revoke</c>: widgets, by hand.</summary>
internal static class EmbedCommand
{
    private static readonly Option<string> Name = new("--name") { Description = "What the widget is called; its readers see it.", Required = true };
    private static readonly Option<string> Filter = new("--filter") { Description = "What it shows: a query of /usage, as in 'type=external&period=30d'.", DefaultValueFactory = _ => "" };
    private static readonly Option<Guid?> User = new("--user") { Description = "The id of the one user whose usage it shows; without, the list of users." };

    private static readonly Option<bool> PerViewer = new("--per-viewer")
    {
        Description = "Each viewer sees their own usage: your server signs who that is with the secret that is printed, this once.",
    };

    private static readonly Option<string[]> Columns = new("--columns")
    {
        Description = "The columns it shows, as in requests tokens cost.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => ["requests", "tokens", "last-activity"],
    };

    private static readonly Option<EmbedTheme> Theme = new("--theme") { Description = "auto, light, dark or transparent." };

    private static readonly Option<string[]> Origins = new("--origin")
    {
        Description = "An origin whose pages may frame it, as in https://shop.example; may be repeated.",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int?> Days = new("--days") { Description = "Days until it ends by itself; without, never." };
    private static readonly Option<Guid> Id = new("--id") { Description = "The widget's id, as 'embed list' shows it.", Required = true };

    internal static Command Create(string[] settings)
    {
        var create = new Command("create", "Makes a widget, and prints its snippet or its secret, this once.") { Name, Filter, User, PerViewer, Columns, Theme, Origins, Days };
        create.SetAction((parsed, cancellation) => RunAsync(settings, parsed, CreateAsync, cancellation));
        var list = new Command("list", "Lists the widgets, the newest first.");
        list.SetAction((parsed, cancellation) => RunAsync(settings, parsed, ListAsync, cancellation));
        var revoke = new Command("revoke", "Revokes a widget for good.") { Id };
        revoke.SetAction((parsed, cancellation) => RunAsync(settings, parsed, RevokeAsync, cancellation));
        return new Command("embed", "Looks after the widgets on other sites.") { create, list, revoke };
    }

    private static async Task<int> RunAsync(
        string[] settings, ParseResult parsed, Func<EmbedChanges, CommandHost, ParseResult, CancellationToken, Task<int>> run, CancellationToken cancellation)
    {
        await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
        await using var scope = host.CreateScope();
        return await run(new EmbedChanges(EmbedsOf(host), scope.ServiceProvider.GetRequiredService<Audit>()), host, parsed, cancellation);
    }

    private static async Task<int> CreateAsync(EmbedChanges changes, CommandHost host, ParseResult parsed, CancellationToken cancellation)
    {
        Embed embed;
        try
        {
            embed = Make(parsed, host.Time);
        }
        catch (FormatException e)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return CommandLine.Trouble;
        }

        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(PerViewer))
        {
            await PrintAsync(output, embed, await changes.AddPerViewerAsync(http: null, embed, host.EmbedSecrets, cancellation));
            return CommandLine.Done;
        }

        var token = await changes.AddAsync(http: null, embed, cancellation);
        await output.WriteLineAsync($"Made the widget {embed.Id}. Its token is shown this once; put your site's address for SITE:");
        await PrintSnippetAsync(output, token, "");
        return CommandLine.Done;
    }

    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    private static Embed Make(ParseResult parsed, TimeProvider time)
    {
        var expires = parsed.GetValue(Days) is { } days ? time.GetUtcNow().UtcDateTime.AddDays(Math.Clamp(days, 1, 36_500)) : (DateTime?)null;
        var (name, filter, columns) = (parsed.GetRequiredValue(Name), parsed.GetRequiredValue(Filter), parsed.GetRequiredValue(Columns));
        var (theme, origins) = (parsed.GetValue(Theme), parsed.GetValue(Origins) ?? []);
        if (!parsed.GetValue(PerViewer))
            return NewEmbed.Make(name, filter, parsed.GetValue(User), columns, theme, origins, expires);
        if (parsed.GetValue(User) is not null)
            throw new FormatException("--user and --per-viewer exclude each other: the user is whom your server signs for.");
        return NewEmbed.MakePerViewer(name, filter, columns, theme, origins, expires);
    }

    private static async Task PrintAsync(TextWriter output, Embed embed, string secret)
    {
        await output.WriteLineAsync($"Made the widget {embed.Id}. Its secret is shown this once; keep it on your server, as in");
        await output.WriteLineAsync($"USAGE_EMBED_ID={embed.Id}");
        await output.WriteLineAsync($"USAGE_EMBED_SECRET={secret}");
        await output.WriteLineAsync(
            $"There, sign a JWT for each viewer: HS256, kid the id, aud {ViewerTokens.Audience}, sub the user's id, exp at most 10 minutes ahead. docs/embed.md has it ready");
        await output.WriteLineAsync("for ASP.NET and Node. Put it for TOKEN, your site's address for SITE, and where new tokens come from for the last:");
        await PrintSnippetAsync(output, "TOKEN", " data-usage-renew=\"/my/usage-token\"");
    }

    private static async Task PrintSnippetAsync(TextWriter output, string token, string attributes)
    {
        await output.WriteLineAsync($"<iframe src=\"https://SITE{EmbedAddress.Prefix}{token}\"{attributes} style=\"width: 100%; height: 480px; border: 0\"></iframe>");
        await output.WriteLineAsync("<script async src=\"https://SITE/js/embed.js\"></script>");
    }

    private static async Task<int> ListAsync(EmbedChanges _, CommandHost host, ParseResult parsed, CancellationToken cancellation)
    {
        var now = host.Time.GetUtcNow().UtcDateTime;
        foreach (var embed in await EmbedsOf(host).ListAsync(cancellation))
        {
            var state = embed.RevokedAt is not null ? "revoked" : embed.ExpiresAt <= now ? "expired" : "open";
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{embed.Id}  {state,-8}  {embed.Name}  {EmbedChanges.Describe(embed)}  {string.Join(' ', embed.Origins)}");
        }

        return CommandLine.Done;
    }

    private static async Task<int> RevokeAsync(EmbedChanges changes, CommandHost host, ParseResult parsed, CancellationToken cancellation)
    {
        if (await changes.RevokeAsync(http: null, parsed.GetRequiredValue(Id), cancellation) is not null)
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync("Revoked: open widgets end within seconds.");
            return CommandLine.Done;
        }

        await parsed.InvocationConfiguration.Error.WriteLineAsync("There is no such widget that was not revoked; 'embed list' shows them.");
        return CommandLine.Trouble;
    }

    private static Embeds EmbedsOf(CommandHost host) => new(new Contexts(host), host.Time);

    private sealed class Contexts(CommandHost host) : IDbContextFactory<UsageDbContext>
    {
        public UsageDbContext CreateDbContext() => UsageDatabase.CreateContext(host.Owner);
    }
}
