using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>A SignalR client of the JSON hub protocol: the table is pushed to it.</summary>
internal sealed class SignalRViewer(IPEndPoint address, string query) : WebSocketViewer(address, query)
{
    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        await ConnectAsync("/hub", cancellation);
        await SendAsync("{\"protocol\":\"json\",\"version\":1}\u001e", cancellation);
        await ReceiveAsync(cancellation);
        await SendAsync($"{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Watch\",\"arguments\":[\"{Query}\"]}}\u001e", cancellation);
        while (Shown == 0)
            Read(await ReceiveAsync(cancellation));
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
            Read(await ReceiveAsync(cancellation));
    }

    private void Read(ReadOnlyMemory<byte> message)
    {
        if (NumberAfter(message.Span, "\"requests\":"u8) is { } requests)
            Show(requests);
    }

    private Task SendAsync(string text, CancellationToken cancellation) =>
        SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, cancellation);
}
