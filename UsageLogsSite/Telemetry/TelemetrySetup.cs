using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Telemetry;

/// <summary>Exports metrics, traces and logs where somebody wants them. Where nobody does, none are collected.</summary>
internal static class TelemetrySetup
{
    /// <summary>The setting by which OpenTelemetry itself is told where to export to; all others of the kind (<c>OTEL_…</c>) hold too.</summary>
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string ServiceName = "usage-logs-site";

    private static readonly string[] FrameworkMeters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting", "Microsoft.AspNetCore.Diagnostics",
        "System.Net.Http", "System.Runtime",
    ];

    internal static void AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.AddSettings<TelemetryOptions>("Telemetry");
        var exports = Exports(builder.Configuration);
        var isManaged = !string.IsNullOrEmpty(builder.Configuration["Telemetry:ManagementUrl"]);
        if (isManaged)
            builder.Services.AddHostedService<ManagementServer>();
        if (!exports && !isManaged)
            return;
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.Clear().AddService(ServiceName).AddTelemetrySdk().AddEnvironmentVariableDetector()) // the last wins
            .WithMetrics(metrics => Measure(metrics, isManaged));
        if (exports)
            telemetry.WithTracing(Trace).WithLogging(configureBuilder: null, logs => logs.IncludeFormattedMessage = true).UseOtlpExporter();
    }

    private static bool Exports(ConfigurationManager configuration)
    {
        var endpoint = configuration[OtlpEndpoint];
        if (string.IsNullOrWhiteSpace(endpoint))
            return false;
        return Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? true
            : throw new StartupException($"{OtlpEndpoint} is {endpoint}; allowed is the http:// or https:// address of a collector, such as http://localhost:4317.");
    }

    private static void Measure(MeterProviderBuilder metrics, bool isManaged)
    {
        metrics.AddMeter("UsageLogsSite.*").AddMeter(FrameworkMeters).AddNpgsqlInstrumentation();

        // Whom the site asks, webhooks above all, is for owners to choose: as a tag, it would be told to whoever reads metrics.
        metrics.AddView(instrument => instrument.Name.StartsWith("http.client.", StringComparison.Ordinal)
            ? new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.response.status_code", "error.type", "http.connection.state"] }
            : null);
        if (isManaged)
            metrics.AddPrometheusExporter();
    }

    private static void Trace(TracerProviderBuilder tracing) => tracing
        .AddSource(Traces.SourceName, "System.Net.Http")
        .AddNpgsql()
        .AddAspNetCoreInstrumentation(requests => requests.Filter = IsTraced)
        .AddProcessor(new AddressRedaction());

    /// <summary>A stream's span would end after a quarter of an hour, and say nothing; what it carries is traced from the fold. Probes are noise.</summary>
    private static bool IsTraced(HttpContext http) =>
        !http.Request.Path.Value!.EndsWith("/events", StringComparison.OrdinalIgnoreCase)
        && !http.Request.Path.StartsWithSegments("/health") && !http.Request.Path.StartsWithSegments(ManagementServer.Metrics);
}
