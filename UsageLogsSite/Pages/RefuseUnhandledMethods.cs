using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;

namespace UsageLogsSite.Pages;

/// <summary>Answers 405 to a method that a page has no handler for: Razor Pages would render it with nothing to show.</summary>
internal sealed class RefuseUnhandledMethods : IPageFilter
{
    /// <inheritdoc />
    public void OnPageHandlerSelected(PageHandlerSelectedContext context)
    {
    }

    /// <inheritdoc />
    public void OnPageHandlerExecuting(PageHandlerExecutingContext context)
    {
        // The error page answers whatever method led to it.
        if (context.HandlerMethod is null && context.HandlerInstance is not ErrorModel)
            context.Result = new StatusCodeResult(StatusCodes.Status405MethodNotAllowed);
    }

    /// <inheritdoc />
    public void OnPageHandlerExecuted(PageHandlerExecutedContext context)
    {
    }
}
