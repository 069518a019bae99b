using System.Globalization;
using Microsoft.Extensions.Options;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/export.csv</c> and <c>/users/{id}/export.csv</c>: all that the page is about as a file; <c>/usage/logs.csv</c>: the logs of the users
/// that the page lists. The header <c>Row-Count</c> says how many rows a whole file has. Who took what away is written down
/// before the first row leaves.
/// </summary>
internal sealed partial class ExportEndpoint(
    Visitors visitors, UsageExport export, Audit audit, IOptions<LimitOptions> limits, TimeProvider time, ILogger<ExportEndpoint> logger)
{
    private const int RetryAfterSeconds = 10;

    private readonly Lock _gate = new();
    private readonly HashSet<Guid> _busy = [];

    internal static void Map(WebApplication app)
    {
        app.MapGet("/usage/export.csv", (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, Question.Of, isOfLogs: false));
        app.MapGet("/usage/logs.csv", (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, Question.Of, isOfLogs: true));
        app.MapGet("/users/{id:guid}/export.csv", (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, UserQuestion.Of, isOfLogs: true));
    }

    private async Task SendAsync(HttpContext http, Func<HttpRequest, Visitor, Question?> read, bool isOfLogs)
    {
        if (await Asked.OfAsync(http, visitors, read) is not var (visitor, question))
            return;

        if (!TryBegin(visitor.AccountId))
        {
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync("Another file is being written. Try again when it is done.", http.RequestAborted);
            return;
        }

        try
        {
            await SendAsync(http, visitor, question, isOfLogs);
        }
        finally
        {
            lock (_gate)
                _busy.Remove(visitor.AccountId);
        }
    }

    /// <summary>One file for each account, whatever it says its browsers are, and so many for all.</summary>
    private bool TryBegin(Guid account)
    {
        lock (_gate)
            return _busy.Count < limits.Value.ExportsAtOnce && _busy.Add(account);
    }

    private async Task SendAsync(HttpContext http, Visitor visitor, Question question, bool isOfLogs)
    {
        var subject = (question as UserQuestion)?.UserId.ToString() ?? "";
        await audit.WriteAsync(http, visitor, AuditAction.Exported, subject, isOfLogs && question is TableQuestion ? "Logs of " + question.Address : question.Address, http.RequestAborted);
        var name = string.Create(CultureInfo.InvariantCulture, $"{(isOfLogs ? "logs" : "usage")}-{time.GetUtcNow():yyyy-MM-dd-HHmm}.csv");
        http.Response.ContentType = "text/csv; charset=utf-8; header=present";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        http.Response.Headers.CacheControl = "no-store";
        var over = new CancellationTokenSource(limits.Value.LongestExport, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(over.Token, http.RequestAborted);
        using (over)
        using (visitors.Hold(visitor, () => Cancel(over)))
        {
            try
            {
                await export.WriteAsync(question, isOfLogs, http.Response.Body, rows => http.Response.Headers["Row-Count"] = rows.ToString(CultureInfo.InvariantCulture), ended.Token);
            }
            catch (Exception e) when (over.IsCancellationRequested || (http.Response.HasStarted && DatabaseFailure.Is(e)))
            {
                // A file that ends early must not look whole.
                LogCutOff(logger, question.Name, e.Message);
                http.Abort();
            }
        }
    }

    private static void Cancel(CancellationTokenSource over)
    {
        try
        {
            over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The file was done at the same moment.
        }
    }

    [LoggerMessage(6001, LogLevel.Warning, "Export: the file of {Question} was cut off: {Reason}")]
    private static partial void LogCutOff(ILogger logger, string question, string reason);
}
