using System.Globalization;
using Microsoft.Extensions.Options;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/export.csv</c> and <c>/users/{id}/export.csv</c>: all that the page is about as a file; <c>/usage/logs.csv</c>: the logs of the users
/// that the page lists; <c>/usage/purchases.csv</c> and <c>/users/{id}/purchases.csv</c>: purchases. The header <c>Row-Count</c> says how many rows a whole file has. Who took what away is written down
/// before the first row leaves.
/// </summary>
internal sealed partial class ExportEndpoint(
    Visitors visitors, UsageExport export, Audit audit, IOptions<LimitOptions> limits, LimitMetrics metrics, TimeProvider time, ILogger<ExportEndpoint> logger)
{
    private const int RetryAfterSeconds = 10;

    private readonly Lock _gate = new();
    private readonly HashSet<Guid> _busy = [];

    internal static void Map(WebApplication app)
    {
        Map("/usage/export.csv", Question.Of, ExportedRows.Users);
        Map("/usage/logs.csv", Question.Of, ExportedRows.Logs);
        Map("/usage/purchases.csv", Question.Of, ExportedRows.Purchases);
        Map("/users/{id:guid}/export.csv", UserQuestion.Of, ExportedRows.Logs);
        Map("/users/{id:guid}/purchases.csv", UserQuestion.Of, ExportedRows.Purchases);

        void Map(string path, Func<HttpRequest, Visitor, Question?> read, ExportedRows rows) =>
            app.MapGet(path, (HttpContext http, ExportEndpoint endpoint) => endpoint.SendAsync(http, read, rows));
    }

    private async Task SendAsync(HttpContext http, Func<HttpRequest, Visitor, Question?> read, ExportedRows rows)
    {
        if (await Asked.OfAsync(http, visitors, read) is not var (visitor, question))
            return;

        if (!TryBegin(visitor.AccountId))
        {
            metrics.Refused("exports");
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync("Another file is being written. Try again when it is done.", http.RequestAborted);
            return;
        }

        try
        {
            await SendAsync(http, visitor, question, rows);
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

    private async Task SendAsync(HttpContext http, Visitor visitor, Question question, ExportedRows rows)
    {
        var subject = (question as UserQuestion)?.UserId.ToString() ?? "";
        await audit.WriteAsync(http, visitor, AuditAction.Exported, subject, DetailOf(question, rows), http.RequestAborted);
        var name = string.Create(CultureInfo.InvariantCulture, $"{(rows == ExportedRows.Users ? "usage" : Names.Of(rows))}-{time.GetUtcNow():yyyy-MM-dd-HHmm}.csv");
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
                await export.WriteAsync(question, rows, http.Response.Body, count => http.Response.Headers["Row-Count"] = count.ToString(CultureInfo.InvariantCulture), ended.Token);
            }
            catch (Exception e) when (over.IsCancellationRequested || (http.Response.HasStarted && DatabaseFailure.Is(e)))
            {
                // A file that ends early must not look whole.
                LogCutOff(logger, question.Name, e.Message);
                http.Abort();
            }
        }
    }

    private static string DetailOf(Question question, ExportedRows rows) => (question, rows) switch
    {
        (_, ExportedRows.Purchases) => "Purchases of " + question.Address,
        (TableQuestion, ExportedRows.Logs) => "Logs of " + question.Address,
        _ => question.Address,
    };

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

    [LoggerMessage(6101, LogLevel.Warning, "Export: the file of {Question} was cut off: {Reason}")]
    private static partial void LogCutOff(ILogger logger, string question, string reason);
}
