using System.Net.Mime;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Decisions;

namespace UsageLogsSite.Pages.Users;

/// <summary>
/// Takes an owner's decisions about a user. A script is answered in JSON: 200 if it is done, 409 after a conflict, 422 if it is refused. A form
/// leads back to where it was sent from, or to a page that says why not.
/// </summary>
[ResponseCache(NoStore = true)]
internal sealed class DecideModel(DecisionTaker decisions) : PageModel
{
    /// <summary>The user's id.</summary>
    [FromRoute(Name = "id")]
    public Guid UserId { get; set; }

    /// <summary>The key of the decision; null from a browser without a script.</summary>
    [BindProperty(Name = "key")]
    public Guid? Key { get; set; }

    /// <summary>The version of the row that the owner saw.</summary>
    [BindProperty(Name = "version")]
    public uint? Version { get; set; }

    /// <summary>The page that the form was on; only the site's own.</summary>
    [BindProperty(Name = "back")]
    public string? Back { get; set; }

    /// <summary>What became of it; set before the page is rendered.</summary>
    internal Outcome Outcome { get; private set; } = null!;

    /// <summary>Where the owner goes on.</summary>
    internal string BackAddress => LocalAddress.Or(Back, $"/users/{UserId}");

    /// <summary>The fields of the form, to send it once more after a conflict.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Fields =>
        Request.Form.Where(f => f.Key is not ("version" or "key" or "__RequestVerificationToken")).Select(f => KeyValuePair.Create(f.Key, f.Value.ToString()));

    /// <summary>Makes the user internal or external.</summary>
    public Task<IActionResult> OnPostTypeAsync(UserType? type, CancellationToken cancellation) =>
        AnswerAsync(type is { } known && Enum.IsDefined(known) && Version is { } version ? new SetUserType(UserId, known, version) : null, cancellation);

    /// <summary>Marks a purchase as refunded.</summary>
    public Task<IActionResult> OnPostRefundAsync(Guid? purchase, CancellationToken cancellation) =>
        AnswerAsync(purchase is { } id && Version is { } version ? new RefundPurchase(UserId, id, version) : null, cancellation);

    /// <summary>Deletes a log.</summary>
    public Task<IActionResult> OnPostDeleteLogAsync(Guid? log, CancellationToken cancellation) =>
        AnswerAsync(log is { } id && Version is { } version ? new DeleteLog(UserId, id, version) : null, cancellation);

    /// <summary>Writes a note.</summary>
    public Task<IActionResult> OnPostNoteAsync(string? text, CancellationToken cancellation) => AnswerAsync(new AddNote(UserId, text ?? ""), cancellation);

    private async Task<IActionResult> AnswerAsync(Decision? decision, CancellationToken cancellation)
    {
        // The key is only as good as it is known: an unreadable one must not be taken for none.
        Outcome = decision is null || !ModelState.IsValid
            ? Outcome.Refused("This decision cannot be read: a value is missing or not allowed.")
            : await decisions.TakeAsync(HttpContext, HttpContext.Features.GetRequiredFeature<Visitor>(), decision, Key, cancellation);
        var status = Outcome.Kind switch
        {
            OutcomeKind.Done => StatusCodes.Status200OK,
            OutcomeKind.Conflict => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status422UnprocessableEntity,
        };
        if (Request.Headers.Accept == MediaTypeNames.Application.Json)
            return new JsonResult(new { text = Outcome.Text, version = Outcome.Version }) { StatusCode = status };
        if (Outcome.Kind == OutcomeKind.Done)
            return new LocalRedirectResult(BackAddress, permanent: false, preserveMethod: false);
        Response.StatusCode = status;
        return Page();
    }
}
