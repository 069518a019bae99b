namespace UsageLogsSite.Filters;

/// <summary>
/// Whether a reader wants to save data: by the switch on their account's page, kept in a cookie, or else by what their browser says
/// (<c>Save-Data</c>, W3C Save Data API).
/// </summary>
internal static class DataSaving
{
    /// <summary>Rows on the first page where the address names no size.</summary>
    internal const int PageSize = 10;

    /// <summary>The least time between two updates of such a reader's page.</summary>
    internal static readonly TimeSpan Debounce = TimeSpan.FromSeconds(5);

    /// <summary>A preference, no secret: it needs none of the protection of other cookies.</summary>
    private const string Cookie = "usage-save-data";

    private const string On = "on";

    /// <summary>Whether who asks wants to save data. The reader's own word counts more than their browser's.</summary>
    internal static bool SavesData(this HttpRequest request) => (request.Cookies[Cookie] ?? request.Headers["Save-Data"]) == On;

    /// <summary>Remembers in the reader's browser what they have chosen.</summary>
    internal static void Remember(HttpContext http, bool saves) => http.Response.Cookies.Append(Cookie, saves ? On : "off", new CookieOptions
    {
        HttpOnly = true,
        IsEssential = true,
        MaxAge = TimeSpan.FromDays(400), // as long as browsers keep any
        SameSite = SameSiteMode.Lax,
        Secure = http.Request.IsHttps,
    });
}
