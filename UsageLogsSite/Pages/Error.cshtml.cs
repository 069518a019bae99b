using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Pages;

/// <summary>Says what went wrong and what to do: as a page, or as the message that htmx puts above the table.</summary>
[ResponseCache(NoStore = true)]
[IgnoreAntiforgeryToken]
[AllowAnonymous]
internal sealed class ErrorModel(IHostEnvironment environment) : PageModel
{
    /// <summary>What is the case, as a heading.</summary>
    public string Title { get; private set; } = "";

    /// <summary>What the reader can do.</summary>
    public string Advice { get; private set; } = "";

    /// <summary>What the button says.</summary>
    public string TryAgain { get; private set; } = "Try again";

    /// <summary>Where the button leads: an address of this site.</summary>
    public string TryAgainAt { get; private set; } = "/usage";

    /// <summary>Answers with the status that led here, whatever the method of the failed request was.</summary>
    /// <param name="context">The page's request.</param>
    public override void OnPageHandlerExecuting(PageHandlerExecutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var status = int.TryParse(context.RouteData.Values["status"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : (int?)null;
        context.Result = Answer(status);
    }

    private IActionResult Answer(int? status)
    {
        SecurityHeaders.Set(HttpContext, environment); // a failure has taken them away
        var failure = HttpContext.Features.Get<IExceptionHandlerPathFeature>();
        if (failure is null && HttpContext.Features.Get<IStatusCodeReExecuteFeature>() is null)
            status = StatusCodes.Status404NotFound; // asked for by its address: nothing has failed
        if (failure is not null && DatabaseFailure.Is(failure.Error))
            ExplainDatabase(failure);
        else if (failure is not null || status is null or >= 500)
            Explain(StatusCodes.Status500InternalServerError, "Something went wrong on our side", "The failure has been logged. Try again; if it stays, tell the operator the time.");
        else if (status == StatusCodes.Status404NotFound)
            Explain(404, "This page does not exist", "The address may be mistyped, or what it showed is gone.", "Go to the users");
        else if (status == StatusCodes.Status401Unauthorized)
            Explain(401, "You are signed out", "Sign in to go on.", "Sign in");
        else if (status == StatusCodes.Status403Forbidden)
            Explain(403, "This page is for owners", "Your account may look at usage, but not change how the site works. An owner can change that.", "Go to the users");
        else if (status == StatusCodes.Status400BadRequest && HttpMethods.IsPost(Request.Method))
            Explain(400, "This form is too old", "The site could not see that it was sent from one of its own pages: it was open for long, or this browser keeps no cookies. " +
                "Outside of Development the site must be reached by https.", "Begin again");
        else
            Explain(status.Value, "This request could not be answered", "Its address or its content is not what this site expects.", "Go to the users");

        if (IsApi(failure))
            return new ObjectResult(new ProblemDetails { Status = Response.StatusCode, Title = Title, Detail = Advice }) { ContentTypes = { "application/problem+json" } };
        return Request.Headers.ContainsKey("HX-Request") ? Partial("_Problem", this) : Page();
    }

    /// <summary>Whether a program asked: it is answered by RFC 9457.</summary>
    private bool IsApi(IExceptionHandlerPathFeature? failure) =>
        (failure?.Path ?? HttpContext.Features.Get<IStatusCodeReExecuteFeature>()?.OriginalPath ?? "").StartsWith("/api/", StringComparison.OrdinalIgnoreCase);

    private void ExplainDatabase(IExceptionHandlerPathFeature failure)
    {
        Response.Headers.RetryAfter = "5";
        TryAgainAt = failure.Path == "/usage" ? "/usage" + Request.QueryString : "/usage";
        Explain(
            StatusCodes.Status503ServiceUnavailable,
            "The database does not answer",
            "Nothing is lost. This page recovers by itself as soon as PostgreSQL can be reached; the operator finds the cause in the site's log.");
    }

    private void Explain(int status, string title, string advice, string tryAgain = "Try again")
    {
        Response.StatusCode = status;
        Title = title;
        Advice = advice;
        TryAgain = tryAgain;
    }
}
