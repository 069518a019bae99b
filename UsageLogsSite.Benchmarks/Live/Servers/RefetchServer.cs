using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Npgsql;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>
/// The common design of pages on hosted databases: every change event goes to every viewer, who runs the own query again half a second
/// later.
/// </summary>
internal sealed class RefetchServer(Databases databases) : BackgroundService
{
    private readonly HashSet<Channel<SseItem<string>>> _viewers = [];

    internal static Action<WebApplication> Add(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<RefetchServer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RefetchServer>());
        return app =>
        {
            PollingServer.Map(app);
            app.MapGet("/events", (RefetchServer server, HttpContext http) => TypedResults.ServerSentEvents(server.ReadAllAsync(http.RequestAborted)));
        };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var connection = await databases.Listener.OpenConnectionAsync(stoppingToken);
        connection.Notification += (_, _) => Tell();
        await using var listen = new NpgsqlCommand("LISTEN usage_changed", connection);
        await listen.ExecuteNonQueryAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
            await connection.WaitAsync(stoppingToken);
    }

    private void Tell()
    {
        lock (_viewers)
        {
            foreach (var viewer in _viewers)
                viewer.Writer.TryWrite(new SseItem<string>("", "usage-changed"));
        }
    }

    private async IAsyncEnumerable<SseItem<string>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var events = Channel.CreateUnbounded<SseItem<string>>();
        lock (_viewers)
            _viewers.Add(events);
        try
        {
            yield return new SseItem<string>("opened", "heartbeat");
            await foreach (var item in events.Reader.ReadAllAsync(cancellation))
                yield return item;
        }
        finally
        {
            lock (_viewers)
                _viewers.Remove(events);
        }
    }
}
