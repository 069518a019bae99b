using System.Buffers;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using MessagePack;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>
/// A browser on a Blazor Server page: the circuit's messages are SignalR's MessagePack hub protocol under the name "blazorpack"
/// (ASP.NET Core source, Components/Server/src/BlazorPack). Every batch is acknowledged, as the browser's script does.
/// </summary>
internal sealed class BlazorViewer(IPEndPoint address, string query) : WebSocketViewer(address, query)
{
    private const int Invocation = 1;

    private long _page;

    internal override long Received => base.Received + _page;

    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        var marker = await ReadMarkerAsync(cancellation);
        await ConnectAsync("/_blazor", cancellation);
        await SendAsync("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"u8.ToArray(), WebSocketMessageType.Text, cancellation);
        await ReceiveAsync(cancellation);
        await InvokeAsync("StartCircuit", "1", (ref MessagePackWriter w) =>
        {
            w.WriteArrayHeader(4);
            w.Write("http://localhost/");
            w.Write("http://localhost/page");
            w.Write($"[{marker}]");
            w.Write("");
        }, cancellation);
        while (Shown == 0)
            await ReadAsync(await ReceiveAsync(cancellation), cancellation);
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
            await ReadAsync(await ReceiveAsync(cancellation), cancellation);
    }

    /// <summary>The page names its interactive component in a comment.</summary>
    private async Task<string> ReadMarkerAsync(CancellationToken cancellation)
    {
        using var wire = new HttpWire(Address);
        await wire.ConnectAsync(cancellation);

        // HTTP/1.0: the page comes unchunked and ends with the connection.
        var request = Encoding.ASCII.GetBytes($"GET /page?q={Uri.EscapeDataString(Query)} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        HttpWire.Head? head = await wire.OpenAsync(request, cancellation);
        var page = new StringBuilder();
        ReadOnlyMemory<byte> piece;
        while (!(piece = await wire.NextAsync(head, cancellation)).IsEmpty)
        {
            head = null;
            page.Append(Encoding.UTF8.GetString(piece.Span));
        }

        _page = wire.Received;
        var text = page.ToString();
        var start = text.IndexOf("<!--Blazor:{\"type\":\"server\"", StringComparison.Ordinal) + "<!--Blazor:".Length;
        return text[start..text.IndexOf("-->", start, StringComparison.Ordinal)];
    }

    private async Task ReadAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        foreach (var batch in Batches(message))
            await InvokeAsync("OnRenderCompleted", null, (ref MessagePackWriter w) =>
            {
                w.WriteArrayHeader(2);
                w.Write(batch);
                w.WriteNil();
            }, cancellation);
    }

    /// <summary>Shows what render batches hold; a frame may carry several messages, each after its length.</summary>
    /// <returns>The ids of the batches.</returns>
    private List<long> Batches(ReadOnlyMemory<byte> frame)
    {
        var batches = new List<long>();
        while (!frame.IsEmpty)
        {
            var (length, prefix) = ReadLength(frame.Span);
            var reader = new MessagePackReader(frame.Slice(prefix, length));
            frame = frame[(prefix + length)..];
            if (reader.ReadArrayHeader() < 5 || reader.ReadInt32() != Invocation)
                continue;
            reader.Skip(); // headers
            reader.Skip(); // invocation id
            if (reader.ReadString() != "JS.RenderBatch")
                continue;
            reader.ReadArrayHeader();
            batches.Add(reader.ReadInt64());
            if (NumberAfter((reader.ReadBytes() ?? default).ToArray(), "requests="u8) is { } requests)
                Show(requests);
        }

        return batches;
    }

    private delegate void WriteArguments(ref MessagePackWriter writer);

    private Task InvokeAsync(string target, string? id, WriteArguments arguments, CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(body);
        writer.WriteArrayHeader(6);
        writer.Write(Invocation);
        writer.WriteMapHeader(0);
        writer.Write(id);
        writer.Write(target);
        arguments(ref writer);
        writer.WriteArrayHeader(0);
        writer.Flush();
        return SendAsync(Framed(body.WrittenSpan), WebSocketMessageType.Binary, cancellation);
    }

    private static byte[] Framed(ReadOnlySpan<byte> body)
    {
        var framed = new List<byte>(body.Length + 4);
        var length = body.Length;
        for (; length > 127; length >>= 7)
            framed.Add((byte)(0x80 | length));
        framed.Add((byte)length);
        framed.AddRange(body);
        return [.. framed];
    }

    private static (int Length, int Prefix) ReadLength(ReadOnlySpan<byte> frame)
    {
        var (length, prefix, more) = (0, 0, true);
        while (more)
        {
            length |= (frame[prefix] & 0x7f) << (7 * prefix);
            more = frame[prefix++] > 127;
        }

        return (length, prefix);
    }
}
