namespace UsageLogsSite.Saved;

/// <summary>
/// Which view was opened last in this browser, until it is closed. A cookie: addresses and fragments, which others share, do not know of it. It
/// opens nothing, it only marks.
/// </summary>
internal static class OpenedView
{
    private const string Cookie = "usage-saved-view";

    /// <summary>The view; null for none.</summary>
    internal static Guid? Of(HttpRequest request) => Guid.TryParse(request.Cookies[Cookie], out var id) ? id : null;

    /// <summary>Remembers it.</summary>
    internal static void Remember(HttpContext http, Guid id) => http.Response.Cookies.Append(Cookie, id.ToString(), new CookieOptions
    {
        HttpOnly = true,
        IsEssential = true,
        SameSite = SameSiteMode.Lax,
        Secure = http.Request.IsHttps,
    });
}
