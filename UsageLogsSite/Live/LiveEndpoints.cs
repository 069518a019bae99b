using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
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

    internal static void MapLive(this WebApplication app) => app.MapGet(Address, OpenStream);

    private static ServerSentEventsResult<string> OpenStream(
        HttpContext http, FilterSets sets, IOptions<LiveOptions> options, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        // After a reconnect the browser repeats its first address; the last event it saw is newer than that.
        var version = http.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? http.Request.Query["version"].FirstOrDefault();
        var stream = sets.Subscribe(UsageFilter.Parse(http.Request.Query), version);

        // Registered before anything can fail: a browser that leaves during the headers must not stay counted.
        http.Response.RegisterForDispose(stream);
        http.Response.Headers["X-Accel-Buffering"] = "no";

        // Without the link to the site's stop, open streams would hold it back until the shutdown's time-out.
        var lived = new CancellationTokenSource(options.Value.MaxStreamLifetime * (0.8 + 0.4 * Random.Shared.NextDouble()), time);
        var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping, lived.Token);
        http.Response.RegisterForDispose(lived);
        http.Response.RegisterForDispose(ends);
        return TypedResults.ServerSentEvents(InTimeAsync(http, stream.ReadAllAsync(ends.Token), options.Value.WriteDeadline, time));
    }

    /// <summary>Closes the connection of a reader that does not take an event in time: it must cost nobody anything.</summary>
    private static async IAsyncEnumerable<SseItem<string>> InTimeAsync(
        HttpContext http, IAsyncEnumerable<SseItem<string>> events, TimeSpan deadline, TimeProvider time)
    {
        await using var abort = time.CreateTimer(_ => http.Abort(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await foreach (var item in events)
        {
            abort.Change(deadline, Timeout.InfiniteTimeSpan);
            yield return item; // comes back when the event has been written
            abort.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
