using Microsoft.AspNetCore.Http.Features;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Live;

/// <summary>The streams' addresses: of the page <c>/usage</c>, and of one user's page.</summary>
internal static class LiveEndpoints
{
    internal const string Address = "/usage/events";
    internal const string UserAddress = "/users/{id:guid}/events";

    internal static void AddLive(this WebApplicationBuilder builder)
    {
        builder.AddSettings<LiveOptions>("Live");
        builder.Services.AddSingleton<ListenerStatus>();
        builder.Services.AddSingleton<LiveMetrics>();
        builder.Services.AddSingleton<FilterSets>();
        builder.Services.AddHostedService<ChangeListener>();
    }

    internal static void MapLive(this WebApplication app)
    {
        // Taken here once: a scope of services for each stream would live as long as it does.
        var (sets, visitors) = (app.Services.GetRequiredService<FilterSets>(), app.Services.GetRequiredService<Visitors>());
        var stopping = app.Lifetime.ApplicationStopping;
        app.MapGet(Address, http => CarryAsync(http, sets, visitors, Question.Of, stopping)).ShortCircuit();
        app.MapGet(UserAddress, http => CarryAsync(http, sets, visitors, UserQuestion.Of, stopping)).ShortCircuit();
    }

    private static async Task CarryAsync(HttpContext http, FilterSets sets, Visitors visitors, Func<HttpRequest, Visitor, Question?> read, CancellationToken stopping)
    {
        if (await Asked.OfAsync(http, visitors, read) is var (visitor, question))
            await CarryAsync(http, sets, question, end => visitors.Hold(visitor, end), stopping);
    }

    /// <summary>Carries a stream to who may ask this.</summary>
    /// <param name="http">The reader's request.</param>
    /// <param name="sets">Where changes are told.</param>
    /// <param name="question">What the reader looks at.</param>
    /// <param name="hold">Has what it is given called when the reader may not ask this any more, until it is disposed.</param>
    /// <param name="stopping">The site stops.</param>
    internal static async Task CarryAsync(HttpContext http, FilterSets sets, Question question, Func<Action, IDisposable> hold, CancellationToken stopping)
    {
        var headers = http.Response.Headers;
        if (stopping.IsCancellationRequested)
        {
            // A stream would end as soon as it began. To a proxy that has another instance this says to ask that one.
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            headers.RetryAfter = "1";
            return;
        }

        headers.ContentType = "text/event-stream";
        headers.CacheControl = "no-cache,no-store";
        headers.ContentEncoding = "identity"; // whatever compresses answers would hold events back
        headers["X-Accel-Buffering"] = "no";

        // As long as a stream lives, it would be the slowest request by far; streams have figures of their own.
        if (http.Features.Get<IHttpMetricsTagsFeature>() is { } measured)
            measured.MetricsDisabled = true;

        // After a reconnect the browser repeats its first address; the last event it saw is newer than that.
        var version = http.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? http.Request.Query["version"].FirstOrDefault();
        using var stream = sets.Subscribe(question, version, ClientId.Of(http), http.Request.SavesData() ? DataSaving.Debounce : TimeSpan.Zero);
        using var held = hold(stream.EndSession);
        await stream.CarryAsync(http, stopping);
    }
}
