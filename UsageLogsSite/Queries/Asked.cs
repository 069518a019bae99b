using UsageLogsSite.Access;

namespace UsageLogsSite.Queries;

/// <summary>Who asks what, where nothing but an answer or a status will do: fragments, streams and files.</summary>
/// <param name="Visitor">Who asks.</param>
/// <param name="Question">What.</param>
internal readonly record struct Asked(Visitor Visitor, Question Question)
{
    /// <summary>Reads a request. Who is not signed in gets 401, who may not ask this 404, as if it did not exist; then it is null.</summary>
    internal static async ValueTask<Asked?> OfAsync(HttpContext http, Visitors visitors, Func<HttpRequest, Visitor, Question?> read)
    {
        if (await visitors.OfAsync(http) is not { } visitor)
        {
            Visitors.Refuse(http);
            return null;
        }

        if (read(http.Request, visitor) is { } question)
            return new Asked(visitor, question);
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        http.Response.Headers.CacheControl = "no-store";
        return null;
    }
}
