using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// The tokens that other sites sign for their viewers: JWTs (RFC 7519) of which one form only is taken. A token says by itself whom it is
/// for, so nothing of it is believed before its signature, but for the name of the widget whose secret that is checked with.
/// </summary>
internal sealed partial class ViewerTokens(Embeds embeds, EmbedSecrets secrets, TimeProvider time, ILogger<ViewerTokens> logger)
{
    /// <summary>Whom tokens must be for (<c>aud</c>), and for nobody else.</summary>
    internal const string Audience = "usage-embed";

    /// <summary>How long a token may last, from now.</summary>
    internal static readonly TimeSpan LongestLife = TimeSpan.FromMinutes(10);

    /// <summary>How far the clock of a site that signs may be ahead.</summary>
    internal static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <summary>The widget and the viewer that a token is for; null whatever is wrong with it.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<(Embed Embed, Viewer Viewer)?> FindAsync(string token, CancellationToken cancellation)
    {
        if (EmbedOf(token) is not { } id
            || await embeds.FindPerViewerAsync(id, cancellation) is not { } embed
            || KeyOf(embed) is not { } key)
            return null;
        var validated = await _handler.ValidateTokenAsync(token, Rules(key));
        return validated is { IsValid: true, SecurityToken: JsonWebToken signed } && SubjectOf(signed) is { } user
            ? (embed, new Viewer(user, signed.ValidTo))
            : null;
    }

    /// <summary>The origins that could frame the widget that a token says it is for, when that was last looked up here.</summary>
    internal string[] OriginsOf(string token) => EmbedOf(token) is { } id ? embeds.OriginsOf(id) : [];

    /// <summary>The widget that a token says it is for; null where it could not be taken anyway.</summary>
    private Guid? EmbedOf(string token)
    {
        try
        {
            var claimed = _handler.ReadJsonWebToken(token);
            return claimed.Alg == SecurityAlgorithms.HmacSha256 && !claimed.TryGetHeaderValue<object>("crit", out _) && IsWrittenSo(claimed.EncodedSignature)
                ? IdOf(claimed.Kid)
                : null;
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or FormatException or InvalidOperationException)
        {
            return null; // no JSON, or other JSON
        }
    }

    private byte[]? KeyOf(Embed embed)
    {
        try
        {
            return secrets.Open(embed.Secret!);
        }
        catch (CryptographicException e)
        {
            LogUnreadable(logger, embed.Id, e.Message);
            return null;
        }
    }

    private TokenValidationParameters Rules(byte[] key) => new()
    {
        IssuerSigningKey = new SymmetricSecurityKey(key),
        RequireSignedTokens = true,
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        ValidateIssuer = false, // the secret says who has signed
        AudienceValidator = (audiences, _, _) => audiences.SequenceEqual([Audience]),
        RequireExpirationTime = true,
        LifetimeValidator = (notBefore, expires, token, _) => Lasts(notBefore, expires, (JsonWebToken)token),
    };

    private bool Lasts(DateTime? notBefore, DateTime? expires, JsonWebToken token)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var latestStart = now + ClockSkew;
        return expires > now
            && expires <= now + LongestLife + ClockSkew
            && (notBefore is null || notBefore <= latestStart)
            && token.IssuedAt <= latestStart; // the first day of all where the token does not say
    }

    private static Guid? SubjectOf(JsonWebToken token) =>
        token.TryGetPayloadValue<string>(JwtRegisteredClaimNames.Sub, out var subject) ? IdOf(subject) : null;

    /// <summary>An id in the one way that it is written here.</summary>
    private static Guid? IdOf(string? text) => Guid.TryParseExact(text, "D", out var id) && id.ToString() == text ? id : null;

    // The last character of a signature has two bits that mean nothing: four tokens would be one.
    private static bool IsWrittenSo(string signature) => Base64Url.EncodeToString(Base64Url.DecodeFromChars(signature)) == signature;

    [LoggerMessage(4005, LogLevel.Error, "Access: the secret of widget {Embed} cannot be read, so nobody sees it: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, Guid embed, string reason);
}
