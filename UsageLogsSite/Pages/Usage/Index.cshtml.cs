using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;
using UsageLogsSite.Saved;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// The list of users, or for a member their own usage, as a whole page; its refreshes come from <see cref="UsageTableEndpoint"/>, by the
/// same query and partial.
/// </summary>
[ResponseCache(NoStore = true)] // whoever signs in next at this browser must not find it
internal sealed class IndexModel(FilterSets sets, Visitors visitors, SavedViews views, TimeProvider time, TimeZoneInfo zone) : PageModel
{
    /// <summary>What is shown; set before the page is rendered.</summary>
    public LiveView View { get; private set; } = null!;

    /// <summary>The reader's own views; set before the page is rendered.</summary>
    public SavedViewMenu Saved { get; private set; } = null!;

    /// <summary>When it was asked for, in UTC: what has changed by then is shown.</summary>
    public DateTime At { get; private set; }

    /// <summary>What the page is called.</summary>
    public string Title => View is UserView ? "My usage" : "Usage Logs";

    /// <summary>The calendar day in the reporting time zone: what the offered months are counted back from.</summary>
    public DateOnly Today => new ReportingTime(time.GetUtcNow().UtcDateTime, zone).Today;

    /// <summary>Addresses that are not canonical, or name a page that does not exist, lead to the one that is.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        if (await visitors.OfAsync(HttpContext) is not { } visitor || Question.Of(Request, visitor)?.ForPage(HttpContext) is not { } question)
            return Challenge();
        if (!question.IsCanonical(Request.Query))
            return Redirect(question.Address);

        At = time.GetUtcNow().UtcDateTime;
        View = await sets.ReadAsync(question, cancellation);
        if (View.Address != question.Address)
            return Redirect(View.Address);

        var saved = await views.ListAsync(visitor.AccountId, cancellation);
        Saved = new SavedViewMenu(saved, OpenedView.Of(Request), View.Address["/usage".Length..], new ViewQuery(visitor, Request.SavesData()));
        return Page();
    }

    /// <summary>Remembers in this browser how the list is to look. A script sends it in passing; without one the page comes anew.</summary>
    public async Task<IActionResult> OnPostViewAsync()
    {
        ViewChoice.Of(await Request.ReadFormAsync(HttpContext.RequestAborted)).Remember(HttpContext);
        if (Request.Headers.ContainsKey("HX-Request"))
            return new NoContentResult();
        return await visitors.OfAsync(HttpContext) is { } visitor && Question.Of(Request, visitor) is { } question ? Redirect(question.Address) : Challenge();
    }
}
