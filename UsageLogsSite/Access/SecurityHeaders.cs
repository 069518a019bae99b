using System.Net;

namespace UsageLogsSite.Access;

/// <summary>The headers that tell a browser what pages of this site may do.</summary>
internal static class SecurityHeaders
{
    private const string Sources = $"default-src 'none'; script-src 'self' {ClientLibrary.Cdn}; style-src 'self'; img-src 'self' data:; connect-src 'self'; ";

    private const string ContentSecurityPolicy = Sources + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Whether a host name leads to the browser's own machine, which browsers take for safe without https.</summary>
    internal static bool IsThisMachine(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    internal static void UseSecurityHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        Set(http, app.Environment);
        return next(http);
    });

    /// <summary>Sets them; once more where an answer was begun anew, as after a failure.</summary>
    internal static void Set(HttpContext http, IHostEnvironment environment)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";

        if (MayBecomeDocument(http.Request))
        {
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers["Referrer-Policy"] = "same-origin";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";

            // Over plain http browsers ignore it (RFC 6797, section 8.1), so it need not be known whether a proxy has taken TLS off.
            if (!environment.IsDevelopment() && !IsThisMachine(http.Request.Host.Host))
                headers.StrictTransportSecurity = "max-age=31536000";
        }
        else if (!http.Request.Headers.ContainsKey("HX-Request"))
        {
            http.Response.OnStarting(DropTime, http.Response);
        }
    }

    /// <summary>A file is told apart by its hash (<c>ETag</c>): with the time beside it, a page's first visit would cost 200 bytes more.</summary>
    private static Task DropTime(object response)
    {
        ((HttpResponse)response).Headers.Remove("Last-Modified");
        return Task.CompletedTask;
    }

    /// <summary>
    /// What a script asked for, or a page for its scripts, styles and icon, is no document, whose rights these headers bound; on slow links they would
    /// be a third of an update. No page can have a browser send these headers with what it then shows as a document.
    /// </summary>
    private static bool MayBecomeDocument(HttpRequest request) =>
        !request.Headers.ContainsKey("HX-Request") && request.Headers["Sec-Fetch-Dest"].ToString() is not ("script" or "style" or "image");

    /// <summary>Sets those of a widget, which other sites frame.</summary>
    /// <param name="http">The request.</param>
    /// <param name="ancestors">The origins whose pages may frame it; none: nobody's.</param>
    internal static void SetForWidget(HttpContext http, string[] ancestors)
    {
        var allowed = ancestors.Length == 0 ? "'none'" : string.Join(' ', ancestors);
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = Sources + $"form-action 'none'; base-uri 'none'; frame-ancestors {allowed}";
        headers["Referrer-Policy"] = "no-referrer"; // the address has the token in it
        headers.Remove("Cross-Origin-Opener-Policy");
    }
}
