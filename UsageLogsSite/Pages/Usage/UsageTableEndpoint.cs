using Microsoft.Net.Http.Headers;
using UsageLogsSite.Access;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// <c>GET /usage/table</c> and <c>/users/{id}/table</c>: the fragments that refresh the pages. Outside of MVC, as most requests come here and most answers are
/// bytes that are ready. Who names the version shown (<c>If-None-Match</c>) gets 304 while it is current; who also says that it can
/// put differences together (<c>A-IM: usage-rows</c>) gets only these, as 226 (RFC 3229, delta encoding in HTTP).
/// </summary>
internal static class UsageTableEndpoint
{
    /// <summary>The <c>HX-Source</c> of a refresh that nobody asked for.</summary>
    private const string BackgroundSource = "div#refresh";

    /// <summary>The instance manipulation (RFC 3229, section 10.1) that the page's script understands.</summary>
    private const string Differences = "usage-rows";

    internal static void MapUsageTable(this WebApplication app)
    {
        // Taken here once: a scope of services for each request would cost more than the answer.
        var (sets, fragments) = (app.Services.GetRequiredService<FilterSets>(), app.Services.GetRequiredService<UsageFragments>());
        var (visitors, viewed) = (app.Services.GetRequiredService<Visitors>(), app.Services.GetRequiredService<ViewedLogs>());
        app.MapGet("/usage/table", http => AnswerAsync(http, sets, fragments, visitors, viewed, Question.Of)).ShortCircuit();
        app.MapGet("/users/{id:guid}/table", http => AnswerAsync(http, sets, fragments, visitors, viewed, UserQuestion.Of)).ShortCircuit();
    }

    private static async Task AnswerAsync(
        HttpContext http, FilterSets sets, UsageFragments fragments, Visitors visitors, ViewedLogs viewed, Func<HttpRequest, Visitor, Question?> read)
    {
        if (await Asked.OfAsync(http, visitors, read) is not var (visitor, question))
            return;
        var view = await ReadAsync(http, sets, question);
        if (question.Scope == Scope.Everything && view is UserView { User: { } user })
            await viewed.WriteAsync(http, visitor, user.UserId, user.Email);
        await AnswerAsync(http, sets, fragments, question, view);
    }

    /// <summary>What a page that shows a version, or does not say which, is to show now.</summary>
    internal static ValueTask<LiveView> ReadAsync(HttpContext http, FilterSets sets, Question question) =>
        sets.ReadAsync(question, Strong(http.Request.Headers.IfNoneMatch.ToString()).Trim('"'), ClientId.Of(http), http.RequestAborted);

    /// <summary>Answers a question with its fragment, or with as much of it as the reader lacks.</summary>
    internal static async Task AnswerAsync(HttpContext http, FilterSets sets, UsageFragments fragments, Question question, LiveView view)
    {
        var headers = http.Response.Headers;

        // The answer also names the address bar's next address: a browser's cache would repeat that at the wrong time.
        headers.CacheControl = "no-store";
        headers.ETag = view.ETag;
        var known = http.Request.Headers.IfNoneMatch.ToString();
        if (Names(known, view))
        {
            fragments.SkipCurrent();
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        NameAddress(http, question, view);
        var shown = http.Request.Headers["A-IM"] == Differences ? FindShown(sets, question, view, known) : null;
        if (shown is not null)
        {
            http.Response.StatusCode = StatusCodes.Status226IMUsed;
            headers["IM"] = Differences;
        }

        await WriteAsync(http, await fragments.OfAsync(view, shown));
    }

    /// <summary>Writes markup in the encoding that the reader prefers.</summary>
    internal static async Task WriteAsync(HttpContext http, UsageFragment fragment)
    {
        var headers = http.Response.Headers;
        var accepted = http.Request.MayBeCompressed() ? http.Request.Headers.AcceptEncoding.ToString() : "";
        var (bytes, encoding) = fragment.For(accepted);
        headers.Vary = "Accept-Encoding";
        if (encoding is not null)
            headers.ContentEncoding = encoding;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    /// <summary>Whether a list of entity tags names a view. Nearly always it is one tag, of this view or of the one before: only others are taken apart.</summary>
    private static bool Names(string tags, LiveView view) =>
        tags == view.ETag || (tags.Length > view.ETag.Length && NamesAmongOthers(tags, view));

    private static bool NamesAmongOthers(string tags, LiveView view) =>
        EntityTagHeaderValue.TryParseList([tags], out var known)
        && known.Any(tag => tag.Compare(new EntityTagHeaderValue(view.ETag), useStrongComparison: false));

    /// <summary>The view that the reader shows, if it is remembered and answers the same: a page may have moved.</summary>
    private static UsageView? FindShown(FilterSets sets, Question question, LiveView view, string known) =>
        sets.Find(question, Strong(known)) is UsageView shown && shown.Address == view.Address ? shown : null;

    // A proxy that packs answers makes tags weak (RFC 9110, section 8.8.1).
    private static string Strong(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;

    /// <summary>Keeps the address bar true: a reader's choice becomes a step to go back from, a background refresh never does.</summary>
    private static void NameAddress(HttpContext http, Question asked, LiveView view)
    {
        if (!Uri.TryCreate(http.Request.Headers["HX-Current-URL"], UriKind.Absolute, out var shown) || shown.PathAndQuery == view.Address)
            return;
        if (http.Request.Headers["HX-Source"] != BackgroundSource && asked is not EmbedQuestion) // a step in a widget must not be one of the page around it
            http.Response.Headers["HX-Push-Url"] = view.Address;
        else if (view.Address != asked.Address || asked is EmbedQuestion)
            http.Response.Headers["HX-Replace-Url"] = view.Address;
    }
}
