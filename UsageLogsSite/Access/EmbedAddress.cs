using Microsoft.AspNetCore.Http.Features;

namespace UsageLogsSite.Access;

/// <summary>What a request to a widget's address asks for. The token is here and nowhere else: see <see cref="EmbedTokens"/>.</summary>
/// <param name="Token">The token; null where the address is not written exactly as it was given out.</param>
/// <param name="Part">What follows the token: empty, <c>/table</c> or <c>/events</c>.</param>
internal sealed record EmbedAddress(string? Token, string Part)
{
    /// <summary>What widgets' addresses begin with.</summary>
    internal const string Prefix = "/embed/";

    /// <summary>The part of the widget's page itself.</summary>
    internal const string Page = "";

    /// <summary>The part of the fragment that refreshes it.</summary>
    internal const string Table = "/table";

    /// <summary>The part of its stream.</summary>
    internal const string Events = "/events";

    private const int TokenCharacters = 43; // 256 bits in base64url

    /// <summary>More than three times what a viewer's token needs: what is longer is not looked at.</summary>
    private const int MostViewerCharacters = 1024;

    /// <summary>The address of the widget's page.</summary>
    internal string PagePath => Prefix + Token;

    /// <summary>The request's own word of its widget; null if it asks for none.</summary>
    internal static EmbedAddress? Of(HttpContext http) => http.Features.Get<EmbedAddress>();

    /// <summary>Reads a request's path; null if no widget is meant. Whatever looks like one but is written otherwise has no token.</summary>
    internal static EmbedAddress? Read(IHttpRequestFeature request)
    {
        if (!request.Path.Contains("embed/", StringComparison.OrdinalIgnoreCase))
            return null;
        if (!request.Path.StartsWith(Prefix, StringComparison.Ordinal) || !IsWrittenSo(request))
            return new EmbedAddress(null, Page);
        var rest = request.Path[Prefix.Length..];
        var end = rest.IndexOf('/', StringComparison.Ordinal);
        var (token, part) = end < 0 ? (rest, Page) : (rest[..end], rest[end..]);
        return (IsToken(token) || IsViewersToken(token)) && part is Page or Table or Events
            ? new EmbedAddress(token, part)
            : new EmbedAddress(null, Page);
    }

    /// <summary>Whether a token is written as one that is signed for one viewer: three parts, as in RFC 7515, section 3.1.</summary>
    internal static bool IsViewersToken(string token)
    {
        if (token.Length > MostViewerCharacters)
            return false;
        var parts = token.Split('.');
        return parts.Length == 3 && parts.All(part => part.Length > 0 && IsBase64Url(part));
    }

    /// <summary>Keeps the token out of whatever prints an address.</summary>
    public override string ToString() => Prefix + "-" + Part;

    private static bool IsToken(string token) => token.Length == TokenCharacters && IsBase64Url(token);

    private static bool IsBase64Url(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    // Escapes and dots that the server has worked out already would be second addresses of the same thing.
    private static bool IsWrittenSo(IHttpRequestFeature request) =>
        request.RawTarget.StartsWith(request.Path, StringComparison.Ordinal)
        && (request.RawTarget.Length == request.Path.Length || request.RawTarget[request.Path.Length] == '?');
}

/// <summary>
/// Takes the token out of a request's path before anything sees it: what logs, traces or counts requests by their path, now or later,
/// finds <c>/embed/-</c>. Where requests begin is the only place early enough, as the server logs them before any middleware.
/// </summary>
internal sealed class EmbedTokens(IServiceProvider services) : IHttpContextFactory
{
    private readonly DefaultHttpContextFactory _contexts = new(services);

    /// <inheritdoc />
    public HttpContext Create(IFeatureCollection featureCollection)
    {
        ArgumentNullException.ThrowIfNull(featureCollection);
        if (featureCollection.Get<IHttpRequestFeature>() is { } request && EmbedAddress.Read(request) is { } address)
        {
            request.Path = address.ToString();
            request.RawTarget = request.Path + request.QueryString;
            var http = _contexts.Create(featureCollection);
            http.Features.Set(address);
            return http;
        }

        return _contexts.Create(featureCollection);
    }

    /// <inheritdoc />
    public void Dispose(HttpContext httpContext) => _contexts.Dispose(httpContext);
}
