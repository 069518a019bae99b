using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace UsageLogsSite.Tests.Docs;

// From here on docs/embed.md has this very text: EmbedDocTests.
internal static class UsageTokens
{
    /// <summary>A token for one viewer of a usage widget, good for ten minutes.</summary>
    internal static string Create(string embedId, string secret, Guid userId)
    {
        var now = DateTime.UtcNow;
        var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)) { KeyId = embedId };
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Audience = "usage-embed",
            Claims = new Dictionary<string, object> { ["sub"] = userId.ToString() },
            IssuedAt = now,
            Expires = now.AddMinutes(10),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.HmacSha256),
        });
    }

    /// <summary>Hands a token to who is signed in, for whom they are: never for an id that the request names.</summary>
    internal static void MapUsageToken(this WebApplication app) => app.MapGet("/my/usage-token", (ClaimsPrincipal user, HttpResponse response) =>
    {
        if (!Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var userId))
            return Results.Unauthorized();
        response.Headers.CacheControl = "no-store";
        return Results.Text(Create(app.Configuration["USAGE_EMBED_ID"]!, app.Configuration["USAGE_EMBED_SECRET"]!, userId));
    });
}
