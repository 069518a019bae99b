using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using UsageLogsSite.Health;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Telemetry;

/// <summary>
/// The management port: a server of its own beside the site's, with <c>/metrics</c> and health and nothing else. So no route, header or
/// proxy can lead from one to the other.
/// </summary>
internal sealed class ManagementServer(IOptions<TelemetryOptions> options, MeterProvider meters, Readiness readiness, ILoggerFactory logging) : IHostedService, IAsyncDisposable
{
    internal const string Metrics = "/metrics";

    private WebApplication? _server;

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false).UseUrls(options.Value.ManagementUrl);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(logging);
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true); // the site starts once
        _server = builder.Build();
        _server.UseRouting();
        _server.MapPrometheusScrapingEndpoint(Metrics, meters, configureBranchedPipeline: null, optionsName: null).DisableHttpMetrics();
        _server.MapHealth(readiness);
        _server.UseEndpoints(_ => { });
        try
        {
            await _server.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new StartupException($"Telemetry:ManagementUrl is {options.Value.ManagementUrl}, where another program listens. Give another address.", e);
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
