using System.Text;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Live;
using UsageLogsSite.Pages.Usage;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Widget;

/// <summary>
/// <c>/embed/{token}</c>, its fragment and its stream: all that a widget answers. Outside of MVC and of authentication, so that no cookie
/// is read or set; whatever is not exactly one of the three, of a widget that may be seen, gets one and the same 404.
/// </summary>
internal sealed class WidgetEndpoint(
    Embeds embeds, ViewerTokens viewers, HeldEmbeds held, FilterSets sets, UsageFragments fragments, IHostApplicationLifetime lifetime)
{
    private static readonly byte[] NotFound = Encoding.UTF8.GetBytes(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">" +
        "<title>Not available</title><p>This widget is not available.</p></html>\n");

    internal static void Map(WebApplication app)
    {
        var widgets = app.Services.GetRequiredService<WidgetEndpoint>();
        app.Map("/embed/{**rest}", http => WidgetFailure.GuardAsync(http, widgets.OriginsOf, widgets.AnswerAsync)).ShortCircuit();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        if (await FindAsync(http) is not var (embed, viewer, address))
        {
            await RefuseAsync(http);
            return;
        }

        SetHeaders(http, embed.Origins);
        var question = EmbedQuestion.Of(embed, viewer, address.PagePath, http.Request.Query);
        if (address.Part == EmbedAddress.Events)
            await LiveEndpoints.CarryAsync(http, sets, question, end => held.Hold(embed, viewer?.Expires, end), lifetime.ApplicationStopping);
        else if (address.Part == EmbedAddress.Table)
            await UsageTableEndpoint.AnswerAsync(http, sets, fragments, question, await UsageTableEndpoint.ReadAsync(http, sets, question));
        else
            await UsageTableEndpoint.WriteAsync(http, await fragments.PageOfAsync(await sets.ReadAsync(question, http.RequestAborted)));
    }

    private async Task<(Embed, Viewer?, EmbedAddress)?> FindAsync(HttpContext http)
    {
        // The method as written: they are told apart by case.
        if (http.Request.Method != HttpMethods.Get || EmbedAddress.Of(http) is not { Token: { } token } address)
            return null;
        if (EmbedAddress.IsViewersToken(token))
            return await viewers.FindAsync(token, http.RequestAborted) is var (own, viewer) ? (own, viewer, address) : null;
        return await embeds.FindAsync(token, http.RequestAborted) is { } embed ? (embed, null, address) : null;
    }

    /// <summary>The origins that could frame the widget of a token as far as is known without the database.</summary>
    private string[] OriginsOf(string token) => EmbedAddress.IsViewersToken(token) ? viewers.OriginsOf(token) : embeds.OriginsOf(token);

    private static async Task RefuseAsync(HttpContext http)
    {
        SetHeaders(http, []);
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = NotFound.Length;
        await http.Response.Body.WriteAsync(NotFound, http.RequestAborted);
    }

    // On fragments as well: opened as a page, one could be framed like it.
    private static void SetHeaders(HttpContext http, string[] ancestors)
    {
        SecurityHeaders.SetForWidget(http, ancestors);
        http.Response.Headers.CacheControl = "no-store";
    }
}
