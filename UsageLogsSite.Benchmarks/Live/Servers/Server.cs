using UsageLogsSite.Access;
using UsageLogsSite.Health;
using UsageLogsSite.Hosting;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>
/// What others would build instead, on the same rollup, listener, query and debounce as the site itself: only the way to the viewer
/// differs.
/// </summary>
internal static class Server
{
    /// <summary>Serves a variant until the process ends.</summary>
    internal static async Task RunAsync(string variant, string[] arguments)
    {
        var builder = WebApplication.CreateBuilder(arguments);
        builder.AddHosting();
        builder.AddDatabases();
        builder.AddRollup();
        builder.AddAccess();
        builder.AddLive();
        builder.AddHealth();
        builder.Services.AddSingleton<UsageTable>();
        builder.Services.AddSingleton<SharedViews>();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        Action<WebApplication> map = variant switch
        {
            "refetch" => RefetchServer.Add(builder),
            "polling" => PollingServer.Map,
            "signalr" => SignalRServer.Add(builder),
            "blazor" => BlazorServer.Add(builder),
            _ => throw new ArgumentException($"Unknown variant '{variant}'."),
        };

        await using var app = builder.Build();
        app.MapHealth(app.Services.GetRequiredService<Readiness>());
        map(app);
        await app.RunAsync();
    }
}
