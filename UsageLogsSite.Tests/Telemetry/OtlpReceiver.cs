using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Telemetry;

/// <summary>A collector: keeps what is posted to it by OTLP/HTTP. Texts stand in its protobuf bytes as they are.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Path, string Body)> _posts = new();
    private readonly WebApplication _server;

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(async http =>
        {
            Assert.Equal("application/x-protobuf", http.Request.ContentType);
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            _posts.Enqueue((http.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
        });
    }

    /// <summary>What makes a site export to it soon.</summary>
    internal Dictionary<string, string> Settings => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _server.Urls.Single(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
    };

    internal static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._server.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>Whether something that holds a text was posted to a path.</summary>
    internal bool Holds(string path, string text) => _posts.Any(p => p.Path == path && p.Body.Contains(text, StringComparison.Ordinal));

    /// <summary>Whether anything posted holds a text.</summary>
    internal bool Holds(string text) => _posts.Any(p => p.Body.Contains(text, StringComparison.Ordinal));

    internal Task ReceivedAsync(string path, string text) => Eventually.TrueAsync(() => Holds(path, text), $"{path} was sent '{text}'");

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
