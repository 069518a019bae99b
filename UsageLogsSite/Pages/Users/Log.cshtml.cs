using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Users;

/// <summary>
/// One log with all that is known of it: <c>/users/{id}/logs/{logId}</c>, and for members their own, <c>/usage/logs/{logId}</c>. The query is that of the list which
/// the reader came from.
/// </summary>
[ResponseCache(NoStore = true)] // whoever signs in next at this browser must not find it
internal sealed class LogModel(UserHistory users, Visitors visitors, ViewedLogs viewed) : PageModel
{
    /// <summary>The address of members' own logs.</summary>
    internal const string OwnAddress = "/usage/logs/{logId:guid}";

    /// <summary>What is shown; set before the page is rendered.</summary>
    public FoundLog Found { get; private set; } = null!;

    /// <summary>The list that the reader came from.</summary>
    public UserQuestion List { get; private set; } = null!;

    /// <summary>Where the log is in the list: on the page that the reader came from, or where newer logs have moved it to.</summary>
    public string BackAddress
    {
        get
        {
            var log = Found.Log;
            var isThere = Found.IsOnFirstPage || List.Filter.Before is not null;
            var before = isThere ? List.Filter.Before : new LogCursor(log.At.AddMicroseconds(1), Guid.Empty);
            return $"{List.Path}{(List.Filter with { Before = before }).QueryString}#log-{log.Id}";
        }
    }

    /// <summary>What is not there and what is not the reader's to see is answered alike.</summary>
    public async Task<IActionResult> OnGetAsync(Guid logId, CancellationToken cancellation)
    {
        if (await visitors.OfAsync(HttpContext) is not { } visitor)
            return Challenge();
        if (ListOf(visitor) is not { } list || await users.FindLogAsync(list, logId, cancellation) is not { } found)
            return NotFound();

        (List, Found) = (list, found);
        if (list.Scope == Scope.Everything)
            await viewed.WriteAsync(HttpContext, visitor, list.UserId, found.Email);
        return Page();
    }

    private UserQuestion? ListOf(Visitor visitor) =>
        RouteData.Values.ContainsKey("id") ? UserQuestion.Of(Request, visitor) : Question.Of(Request, visitor) as UserQuestion;
}
