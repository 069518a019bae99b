using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Live;

/// <summary>The stream's address.</summary>
internal static class LiveEndpoints
{
    internal const string Address = "/usage/events";

    internal static void AddLive(this WebApplicationBuilder builder)
    {
        builder.AddSettings<LiveOptions>("Live");
        builder.Services.AddSingleton<LiveMetrics>();
        builder.Services.AddSingleton<FilterSets>();
        builder.Services.AddHostedService<ChangeListener>();
    }

    internal static void MapLive(this WebApplication app)
    {
        // Taken here once: a scope of services for each stream would live as long as it does.
        var (sets, visitors) = (app.Services.GetRequiredService<FilterSets>(), app.Services.GetRequiredService<Visitors>());
        app.MapGet(Address, http => CarryAsync(http, sets, visitors, app.Lifetime.ApplicationStopping)).ShortCircuit();
    }

    private static async Task CarryAsync(HttpContext http, FilterSets sets, Visitors visitors, CancellationToken stopping)
    {
        if (await visitors.OfAsync(http) is null)
        {
            Visitors.Refuse(http);
            return;
        }

        var headers = http.Response.Headers;
        headers.ContentType = "text/event-stream";
        headers.CacheControl = "no-cache,no-store";
        headers.ContentEncoding = "identity"; // whatever compresses answers would hold events back
        headers["X-Accel-Buffering"] = "no";

        // After a reconnect the browser repeats its first address; the last event it saw is newer than that.
        var version = http.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? http.Request.Query["version"].FirstOrDefault();
        using var stream = sets.Subscribe(UsageFilter.Parse(http.Request.Query), version);
        await stream.CarryAsync(http, stopping);
    }
}
