using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Net.Http.Headers;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>The usage table, as a page and as the fragment that refreshes it: one query, one partial.</summary>
internal sealed class IndexModel(FilterSets sets) : PageModel
{
    /// <summary>The <c>HX-Source</c> of a refresh that nobody asked for.</summary>
    private const string BackgroundSource = "div#refresh";

    /// <summary>What is shown; set before the page is rendered.</summary>
    public UsageView View { get; private set; } = null!;

    /// <summary>The whole page. Addresses that are not canonical, or name a page that does not exist, lead to the one that is.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        var filter = UsageFilter.Parse(Request.Query);
        if (!filter.IsCanonical(Request.Query))
            return Redirect("/usage" + filter.QueryString);

        View = await sets.ReadAsync(filter, cancellation);
        if (View.Filter != filter)
            return Redirect("/usage" + View.Filter.QueryString);

        // Checked with the server on every use, but kept: so the browser's own back is instant.
        Response.Headers.CacheControl = "private, no-cache";
        return Page();
    }

    /// <summary>The fragment; 304 without a body where the browser already shows this version.</summary>
    public async Task<IActionResult> OnGetTableAsync(CancellationToken cancellation)
    {
        View = await sets.ReadAsync(UsageFilter.Parse(Request.Query), cancellation);
        var etag = new EntityTagHeaderValue($"\"{View.Version}\"");
        Response.Headers.CacheControl = "private, no-cache";
        Response.Headers.ETag = etag.ToString();
        if (Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(etag, useStrongComparison: false)))
            return StatusCode(StatusCodes.Status304NotModified);

        NameAddress();
        return Partial("_UsageTable", View);
    }

    /// <summary>Keeps the address bar true: a reader's choice becomes a step to go back from, a background refresh never does.</summary>
    private void NameAddress()
    {
        var address = "/usage" + View.Filter.QueryString;
        if (!Uri.TryCreate(Request.Headers["HX-Current-URL"], UriKind.Absolute, out var shown) || shown.PathAndQuery == address)
            return;
        if (Request.Headers["HX-Source"] != BackgroundSource)
            Response.Headers["HX-Push-Url"] = address;
        else if (View.Filter != UsageFilter.Parse(Request.Query))
            Response.Headers["HX-Replace-Url"] = address;
    }
}
