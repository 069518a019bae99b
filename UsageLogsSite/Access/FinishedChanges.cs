namespace UsageLogsSite.Access;

/// <summary>What changes something is finished and written down, even if whoever asked for it leaves in the middle.</summary>
internal static class FinishedChanges
{
    internal static void UseFinishedChanges(this WebApplication app) => app.Use((http, next) =>
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
            http.RequestAborted = CancellationToken.None;
        return next(http);
    });
}
