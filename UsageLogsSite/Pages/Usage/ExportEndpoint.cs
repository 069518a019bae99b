using System.Globalization;
using Microsoft.Extensions.Options;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/export.csv</c> and <c>/users/{id}/export.csv</c>: all that the page is about as a file. Who took what away is written down
/// before the first row leaves.
/// </summary>
internal sealed class ExportEndpoint(Visitors visitors, UsageExport export, Audit audit, IOptions<LimitOptions> limits, TimeProvider time)
{
    internal static void Map(WebApplication app)
    {
        app.MapGet("/usage/export.csv", (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, Question.Of));
        app.MapGet("/users/{id:guid}/export.csv", (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, UserQuestion.Of));
    }

    private async Task SendAsync(HttpContext http, Func<HttpRequest, Visitor, Question?> read)
    {
        if (await Asked.OfAsync(http, visitors, read) is not var (visitor, question))
            return;

        var subject = (question as UserQuestion)?.UserId.ToString() ?? "";
        await audit.WriteAsync(http, visitor, AuditAction.Exported, subject, question.Address, http.RequestAborted);
        var name = string.Create(CultureInfo.InvariantCulture, $"usage-{time.GetUtcNow():yyyy-MM-dd-HHmm}.csv");
        http.Response.ContentType = "text/csv; charset=utf-8; header=present";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        http.Response.Headers.CacheControl = "no-store";
        using var limit = new CancellationTokenSource(limits.Value.LongestExport, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, http.RequestAborted);
        try
        {
            await export.WriteAsync(question, http.Response.Body, ended.Token);
        }
        catch (Exception e) when (limit.IsCancellationRequested || (http.Response.HasStarted && DatabaseFailure.Is(e)))
        {
            // A file that ends early must not look whole.
            http.Abort();
        }
    }
}
