using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Users;

/// <summary>One user's usage, for those who may see everybody's.</summary>
[ResponseCache(NoStore = true)] // whoever signs in next at this browser must not find it
internal sealed class IndexModel(FilterSets sets, Visitors visitors, ViewedLogs viewed, TimeProvider time, TimeZoneInfo zone) : PageModel
{
    /// <summary>What is shown; set before the page is rendered.</summary>
    public UserView View { get; private set; } = null!;

    /// <summary>When it was asked for, in UTC: what has changed by then is shown.</summary>
    public DateTime At { get; private set; }

    /// <summary>What the page is called: the user's name, or where there is none their address.</summary>
    public string Title => View.User is { Name.Length: > 0 } user ? user.Name : View.User!.Email;

    /// <summary>The calendar day in the reporting time zone: what the offered months are counted back from.</summary>
    public DateOnly Today => new ReportingTime(time.GetUtcNow().UtcDateTime, zone).Today;

    /// <summary>Addresses that are not canonical lead to the one that is. Who looked at whose logs is written down.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        if (await visitors.OfAsync(HttpContext) is not { } visitor)
            return Challenge();
        if (UserQuestion.Of(Request, visitor)?.ForPage(HttpContext) is not { } question)
            return NotFound();
        if (!question.IsCanonical(Request.Query))
            return Redirect(question.Address);

        At = time.GetUtcNow().UtcDateTime;
        View = (UserView)await sets.ReadAsync(question, cancellation);
        if (View.User is null)
            return NotFound();
        await viewed.WriteAsync(HttpContext, visitor, View.Question.UserId, View.User.Email);
        return Page();
    }
}
