namespace UsageLogsSite.Access;

/// <summary>The headers that tell a browser what pages of this site may do.</summary>
internal static class SecurityHeaders
{
    private const string ContentSecurityPolicy =
        $"default-src 'none'; script-src 'self' {ClientLibrary.Cdn}; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    internal static void UseSecurityHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        Set(http);
        return next(http);
    });

    /// <summary>Sets them; once more where an answer was begun anew, as after a failure.</summary>
    internal static void Set(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";

        // What a script asked for is no document, whose rights these bound; on slow links they would be a third of an update.
        if (!http.Request.Headers.ContainsKey("HX-Request"))
        {
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers["Referrer-Policy"] = "same-origin";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
        }
    }
}
