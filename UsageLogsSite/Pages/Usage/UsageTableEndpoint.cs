using Microsoft.Net.Http.Headers;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/table</c>: the fragment that refreshes the page. Outside of MVC, as most requests come here and most answers are
/// bytes that are ready.
/// </summary>
internal static class UsageTableEndpoint
{
    /// <summary>The <c>HX-Source</c> of a refresh that nobody asked for.</summary>
    private const string BackgroundSource = "div#refresh";

    internal static void MapUsageTable(this WebApplication app) => app.MapGet("/usage/table", AnswerAsync);

    private static async Task AnswerAsync(HttpContext http, FilterSets sets, UsageFragments fragments)
    {
        var filter = UsageFilter.Parse(http.Request.Query);
        var view = await sets.ReadAsync(filter, http.RequestAborted);
        var etag = new EntityTagHeaderValue($"\"{view.Version}\"");
        var headers = http.Response.Headers;

        // The answer also names the address bar's next address: a browser's cache would repeat that at the wrong time.
        headers.CacheControl = "no-store";
        headers.Vary = "Accept-Encoding";
        headers.ETag = etag.ToString();
        if (http.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(etag, useStrongComparison: false)))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        NameAddress(http, filter, view);
        var (bytes, encoding) = (await fragments.OfAsync(view)).For(http.Request.Headers.AcceptEncoding.ToString());
        if (encoding is not null)
            headers.ContentEncoding = encoding;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    /// <summary>Keeps the address bar true: a reader's choice becomes a step to go back from, a background refresh never does.</summary>
    private static void NameAddress(HttpContext http, UsageFilter asked, UsageView view)
    {
        var address = "/usage" + view.Filter.QueryString;
        if (!Uri.TryCreate(http.Request.Headers["HX-Current-URL"], UriKind.Absolute, out var shown) || shown.PathAndQuery == address)
            return;
        if (http.Request.Headers["HX-Source"] != BackgroundSource)
            http.Response.Headers["HX-Push-Url"] = address;
        else if (view.Filter != asked)
            http.Response.Headers["HX-Replace-Url"] = address;
    }
}
