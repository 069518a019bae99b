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
}
