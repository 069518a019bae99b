using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>The usage table as a whole page; its refreshes come from <see cref="UsageTableEndpoint"/>, by the same query and partial.</summary>
internal sealed class IndexModel(FilterSets sets, TimeProvider time, TimeZoneInfo zone) : PageModel
{
    /// <summary>What is shown; set before the page is rendered.</summary>
    public UsageView View { get; private set; } = null!;

    /// <summary>The calendar day in the reporting time zone: what the offered months are counted back from.</summary>
    public DateOnly Today => new ReportingTime(time.GetUtcNow().UtcDateTime, zone).Today;

    /// <summary>Addresses that are not canonical, or name a page that does not exist, lead to the one that is.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        var filter = UsageFilter.Parse(Request.Query);
        if (!filter.IsCanonical(Request.Query))
            return Redirect("/usage" + filter.QueryString);

        View = await sets.ReadAsync(filter, cancellation);
        if (View.Filter != filter)
            return Redirect("/usage" + View.Filter.QueryString);

        Response.Headers.CacheControl = "no-store"; // whoever signs in next at this browser must not find it
        return Page();
    }
}
