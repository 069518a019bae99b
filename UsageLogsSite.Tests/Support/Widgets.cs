using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Tests.Support;

/// <summary>Makes widgets without their page.</summary>
internal static class Widgets
{
    /// <summary>Adds a widget.</summary>
    /// <returns>Its id, and the path of its page.</returns>
    internal static async Task<(Guid Id, string Path)> AddWidgetAsync(
        this Site site, string filter = "", Guid? user = null, string[]? columns = null, EmbedTheme theme = EmbedTheme.Auto, string[]? origins = null, DateTime? expires = null)
    {
        var embed = new Embed
        {
            Name = "Our usage",
            Filter = filter,
            UserId = user,
            Columns = columns ?? ["requests", "tokens", "cost", "last-activity"],
            Theme = theme,
            Origins = origins ?? [],
            ExpiresAt = expires,
        };
        var token = await site.Services.GetRequiredService<Embeds>().AddAsync(embed, TestContext.Current.CancellationToken);
        return (embed.Id, EmbedAddress.Prefix + token);
    }

    /// <summary>Adds a widget that shows each viewer their own usage.</summary>
    internal static async Task<ViewerWidget> AddViewerWidgetAsync(this Site site, string[]? columns = null, string[]? origins = null, DateTime? expires = null, string filter = "?size=10")
    {
        var embed = NewEmbed.MakePerViewer("Your usage", filter, columns ?? ["requests", "tokens", "cost"], EmbedTheme.Auto, origins ?? [], expires);
        var secret = await site.Services.GetRequiredService<Embeds>().AddPerViewerAsync(
            embed, site.Services.GetRequiredService<EmbedSecrets>(), TestContext.Current.CancellationToken);
        return new ViewerWidget(embed.Id, secret);
    }
}

/// <summary>What another site's server knows of a widget: it signs tokens for its viewers.</summary>
/// <param name="Id">The widget.</param>
/// <param name="Secret">What it signs with.</param>
internal sealed record ViewerWidget(Guid Id, string Secret)
{
    /// <summary>The path of the page that a viewer sees.</summary>
    internal string PathOf(Guid user, TimeSpan? life = null) => EmbedAddress.Prefix + TokenOf(user, life);

    /// <summary>A token as the documents have it.</summary>
    internal string TokenOf(Guid user, TimeSpan? life = null)
    {
        var now = DateTimeOffset.UtcNow;
        return Sign(Header(), $$"""{"aud":"usage-embed","sub":"{{user}}","iat":{{now.ToUnixTimeSeconds()}},"exp":{{(now + (life ?? TimeSpan.FromMinutes(5))).ToUnixTimeSeconds()}}}""");
    }

    /// <summary>The header of a token.</summary>
    internal string Header(string algorithm = "HS256") => $$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{Id}}"}""";

    /// <summary>Signs whatever it is given.</summary>
    internal string Sign(string header, string payload, Func<byte[], byte[], byte[]>? sign = null)
    {
        var signed = $"{Encode(Encoding.UTF8.GetBytes(header))}.{Encode(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Encode((sign ?? HMACSHA256.HashData)(Encoding.ASCII.GetBytes(Secret), Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Bytes in base64url.</summary>
    internal static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
