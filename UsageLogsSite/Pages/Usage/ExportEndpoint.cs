using System.Globalization;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/export.csv</c> and <c>/users/{id}/export.csv</c>: all that the page is about as a file. Who took what away is written down
/// before the first row leaves.
/// </summary>
internal static class ExportEndpoint
{
    internal static void MapExport(this WebApplication app)
    {
        app.MapGet("/usage/export.csv", (HttpContext http, Visitors visitors, UsageExport export, Audit audit, TimeProvider time) =>
            SendAsync(http, visitors, export, audit, time, Question.Of));
        app.MapGet("/users/{id:guid}/export.csv", (HttpContext http, Visitors visitors, UsageExport export, Audit audit, TimeProvider time) =>
            SendAsync(http, visitors, export, audit, time, UserQuestion.Of));
    }

    private static async Task SendAsync(
        HttpContext http, Visitors visitors, UsageExport export, Audit audit, TimeProvider time, Func<HttpRequest, Visitor, Question?> read)
    {
        if (await Asked.OfAsync(http, visitors, read) is not var (visitor, question))
            return;

        var subject = (question as UserQuestion)?.UserId.ToString() ?? "";
        await audit.WriteAsync(http, visitor, AuditAction.Exported, subject, question.Address, http.RequestAborted);
        var name = string.Create(CultureInfo.InvariantCulture, $"usage-{time.GetUtcNow():yyyy-MM-dd-HHmm}.csv");
        http.Response.ContentType = "text/csv; charset=utf-8; header=present";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await export.WriteAsync(question, http.Response.Body, http.RequestAborted);
        }
        catch (Exception e) when (http.Response.HasStarted && DatabaseFailure.Is(e))
        {
            // A file that ends early must not look whole.
            http.Abort();
        }
    }
}
