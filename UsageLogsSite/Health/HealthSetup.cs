using Microsoft.Extensions.Options;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Health;

/// <summary>Adds what balancers and supervisors ask.</summary>
internal static class HealthSetup
{
    internal static void AddHealth(this WebApplicationBuilder builder)
    {
        builder.AddSettings<HealthOptions>("Health");
        builder.Services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database")
            .AddCheck<ListenerCheck>("listener")
            .AddCheck<FoldCheck>("fold")
            .AddCheck<StopCheck>("site");
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None); // an error for each asking; what is wrong has been logged where it went wrong
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddHostedService<Drain>();
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<HealthOptions>>((host, health) => host.ShutdownTimeout += health.Value.Drain);
    }

    /// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: so do its database, its listener and its fold. Open to everybody.</summary>
    internal static void MapHealth(this IEndpointRouteBuilder endpoints, Readiness readiness)
    {
        endpoints.MapGet("/health/live", http => http.Response.WriteAsync("live", http.RequestAborted)).ShortCircuit();
        endpoints.MapGet("/health/ready", readiness.AnswerAsync).ShortCircuit();
    }
}
