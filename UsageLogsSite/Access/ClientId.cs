using System.Net.Sockets;
using System.Security.Cryptography;

namespace UsageLogsSite.Access;

/// <summary>
/// Tells browsers behind one address apart, for limits only: an id in a cookie, else the address. It names nobody and opens nothing.
/// </summary>
internal static class ClientId
{
    private const string Cookie = "usage-client";
    private const int Characters = 32;
    private const int NetworkBytes = 8;

    /// <summary>Gives a browser that asks for a page an id, if it has none.</summary>
    internal static void UseClientId(this WebApplication app)
    {
        var cookie = new SiteCookie(app.Environment, Cookie);
        app.Use((http, next) =>
        {
            if (http.Request.Path == "/usage" && FromCookie(http) is null)
                http.Response.Cookies.Append(cookie.Name!, RandomNumberGenerator.GetHexString(Characters, lowercase: true), cookie.Build(http));
            return next(http);
        });
    }

    /// <summary>Whom a limit counts: the browser, else the address.</summary>
    internal static string Of(HttpContext http) => FromCookie(http) ?? NetworkOf(http);

    /// <summary>The address that the connection comes from.</summary>
    internal static string AddressOf(HttpContext http) => http.Connection.RemoteIpAddress?.ToString() ?? "unknown";

    /// <summary>
    /// The address as far as limits count it: of IPv6 the first 64 bits, as whoever has one address of such a network has all of them
    /// (RFC 4291, section 2.5.4).
    /// </summary>
    internal static string NetworkOf(HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is not { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address)
            return AddressOf(http);
        Span<byte> bytes = stackalloc byte[NetworkBytes * 2];
        address.TryWriteBytes(bytes, out _);
        return Convert.ToHexString(bytes[..NetworkBytes]);
    }

    // By either name, whatever the environment: it opens nothing.
    private static string? FromCookie(HttpContext http) => EmbedAddress.Of(http) is null
        && (http.Request.Cookies["__Host-" + Cookie] ?? http.Request.Cookies[Cookie]) is { Length: Characters } id && id.All(char.IsAsciiHexDigitLower) ? id : null;
}
