using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>What owners and the operator do to widgets, written down.</summary>
internal sealed class EmbedChanges(Embeds embeds, Audit audit)
{
    /// <summary>Adds a widget.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="embed">What it shows, and where.</param>
    /// <param name="cancellation">Gives up, unless the widget is there already.</param>
    /// <returns>The token, which nobody can find out again.</returns>
    internal async Task<string> AddAsync(HttpContext? http, Embed embed, CancellationToken cancellation)
    {
        embed.CreatedBy = http?.Features.Get<Visitor>()?.AccountId;
        var token = await embeds.AddAsync(embed, cancellation);
        await WriteAsync(http, AuditAction.AddedEmbed, embed);
        return token;
    }

    /// <summary>Adds a widget that shows each viewer their own usage.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="embed">What it shows, and where.</param>
    /// <param name="secrets">Protects its secret.</param>
    /// <param name="cancellation">Gives up, unless the widget is there already.</param>
    /// <returns>The secret to sign viewers' tokens with, which nobody can find out again.</returns>
    internal async Task<string> AddPerViewerAsync(HttpContext? http, Embed embed, EmbedSecrets secrets, CancellationToken cancellation)
    {
        embed.CreatedBy = http?.Features.Get<Visitor>()?.AccountId;
        var secret = await embeds.AddPerViewerAsync(embed, secrets, cancellation);
        await WriteAsync(http, AuditAction.AddedEmbed, embed);
        return secret;
    }

    /// <summary>Revokes a widget for good: open streams end.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="id">Which.</param>
    /// <param name="cancellation">Gives up, unless it is revoked already.</param>
    /// <returns>The widget; null if there was none that was not revoked yet.</returns>
    internal async Task<Embed?> RevokeAsync(HttpContext? http, Guid id, CancellationToken cancellation)
    {
        // Looked up first: once it is revoked nothing may stand between that and its entry.
        if (await embeds.FindAsync(id, cancellation) is not { } embed || !await embeds.RevokeAsync(id, cancellation))
            return null;
        await WriteAsync(http, AuditAction.RevokedEmbed, embed);
        return embed;
    }

    /// <summary>What a widget shows, as its maker typed it.</summary>
    internal static string Describe(Embed embed) =>
        (embed.IsPerViewer ? "each viewer" : embed.UserId is { } user ? $"user {user}" : "/usage") + embed.Filter;

    // What is done is written down, even if whoever asked for it has given up meanwhile.
    private Task WriteAsync(HttpContext? http, AuditAction action, Embed embed) => audit.WriteAsync(
        http, action, embed.Id.ToString(), $"{embed.Name}: {Describe(embed)} {string.Join(' ', embed.Origins)}".TrimEnd(), CancellationToken.None);
}
