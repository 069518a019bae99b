using Microsoft.Net.Http.Headers;

namespace UsageLogsSite.Access;

/// <summary>Refuses forms that are not written in UTF-8, as browsers write those of this site: the framework fails at some others.</summary>
internal static class FormCharset
{
    internal static void UseFormCharset(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.Request.ContentType is not { } type
            || (MediaTypeHeaderValue.TryParse(type, out var media) && (!media.Charset.HasValue || media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))))
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        return Task.CompletedTask;
    });
}
