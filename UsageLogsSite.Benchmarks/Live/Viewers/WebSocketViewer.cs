using System.Net;
using System.Net.WebSockets;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>A page with a web socket (RFC 6455) to a hub.</summary>
internal abstract class WebSocketViewer(IPEndPoint address, string query) : Viewer(address, query)
{
    private WebSocket? _socket;
    private byte[] _buffer = new byte[4096];
    private long _messages;

    internal override long Received => base.Received + _messages;

    /// <summary>Opens the socket on the page's main connection.</summary>
    protected async Task ConnectAsync(string path, CancellationToken cancellation)
    {
        await Main.ConnectAsync(cancellation);
        var head = await Main.OpenAsync(
            HttpWire.Request(Address, path, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), cancellation);
        if (head.Status != 101)
            throw new IOException($"The web socket was answered with {head.Status}.");
        _socket = WebSocket.CreateFromStream(Main.Upgrade(), isServer: false, subProtocol: null, Timeout.InfiniteTimeSpan);
    }

    protected async Task SendAsync(ReadOnlyMemory<byte> message, WebSocketMessageType type, CancellationToken cancellation) =>
        await _socket!.SendAsync(message, type, endOfMessage: true, cancellation);

    /// <summary>The next message; valid until the next call.</summary>
    /// <exception cref="IOException">The socket was closed.</exception>
    protected async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        var filled = 0;
        while (true)
        {
            if (filled == _buffer.Length)
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            var part = await _socket!.ReceiveAsync(_buffer.AsMemory(filled), cancellation);
            if (part.MessageType == WebSocketMessageType.Close)
                throw new IOException("The web socket was closed.");
            filled += part.Count;
            if (!part.EndOfMessage)
                continue;
            _messages += filled + (filled < 126 ? 2 : 4); // with the frame's header
            return _buffer.AsMemory(0, filled);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _socket?.Dispose();
        base.Dispose(disposing);
    }
}
