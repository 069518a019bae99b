using System.Globalization;
using System.Text;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Pages.Widget;

/// <summary>
/// What widgets answer while the database does not: 503, in the pages that may frame them as far as these are known, and never more than
/// that, as nobody can say whether the widget may still be seen.
/// </summary>
internal static class WidgetFailure
{
    private const string Advice = "Nothing is lost: it comes back by itself.";

    /// <summary>Answers a request to a widget, whatever becomes of the database meanwhile.</summary>
    /// <param name="http">The request.</param>
    /// <param name="originsOf">Who may frame the widget of a token, as far as is known without the database.</param>
    /// <param name="answer">Answers it.</param>
    internal static async Task GuardAsync(HttpContext http, Func<string, string[]> originsOf, RequestDelegate answer)
    {
        try
        {
            await answer(http);
        }
        catch (Exception e) when (DatabaseFailure.Is(e) && !http.Response.HasStarted)
        {
            var address = EmbedAddress.Of(http);
            await ExplainAsync(http, address?.Part ?? EmbedAddress.Page, address?.Token is { } token ? originsOf(token) : []);
        }
    }

    private static async Task ExplainAsync(HttpContext http, string part, string[] origins)
    {
        // A widget may be on many pages: they should not all come back at once.
        var seconds = Random.Shared.Next(5, 15).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.Clear();
        SecurityHeaders.SetForWidget(http, origins);
        http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        http.Response.Headers.RetryAfter = seconds;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentType = "text/html; charset=utf-8";
        var text = part == EmbedAddress.Page
            ? "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">" +
                $"<meta http-equiv=\"refresh\" content=\"{seconds}\"><title>Not available now</title><p><strong>The database does not answer.</strong> {Advice}</p></html>\n"
            : $"<p><strong>The database does not answer.</strong> {Advice} The rows below are as of <span id=\"problem-time\">the last update</span>.</p>\n";
        await http.Response.WriteAsync(text, Encoding.UTF8, http.RequestAborted);
    }
}
