using Microsoft.AspNetCore.Http.HttpResults;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Live;

/// <summary>The stream's address.</summary>
internal static class LiveEndpoints
{
    internal static void AddLive(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LiveOptions>()
            .Bind(builder.Configuration.GetSection("Live"))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<LiveMetrics>();
        builder.Services.AddSingleton<FilterSets>();
        builder.Services.AddHostedService<ChangeListener>();
    }

    internal static void MapLive(this WebApplication app) => app.MapGet("/usage/events", OpenStream);

    private static ServerSentEventsResult<string> OpenStream(HttpContext http, FilterSets sets, IHostApplicationLifetime lifetime)
    {
        // After a reconnect the browser repeats its first address; the last event it saw is newer than that.
        var version = http.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? http.Request.Query["version"].FirstOrDefault();
        var stream = sets.Subscribe(UsageFilter.Parse(http.Request.Query), version);

        // Registered before anything can fail: a browser that leaves during the headers must not stay counted.
        http.Response.RegisterForDispose(stream);
        http.Response.Headers["X-Accel-Buffering"] = "no";

        // Without the link to the site's stop, open streams would hold it back until the shutdown's time-out.
        var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        http.Response.RegisterForDispose(ends);
        return TypedResults.ServerSentEvents(stream.ReadAllAsync(ends.Token));
    }
}
