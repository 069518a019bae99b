using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>
/// One kept-alive HTTP/1.1 connection (RFC 9112), so lean that ten thousand of them leave the processor to the site. Counts every byte
/// that came.
/// </summary>
internal sealed class HttpWire(IPEndPoint address) : IDisposable
{
    private static readonly byte[] HeadEnd = "\r\n\r\n"u8.ToArray();

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[4096];
    private int _filled;

    /// <summary>Bytes received so far, headers included.</summary>
    internal long Received { get; private set; }

    internal bool IsConnected => _socket.Connected;

    /// <summary>A request to a site as a browser sends it, but for the length of its headers.</summary>
    internal static byte[] Request(IPEndPoint site, string path, string headers = "") =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, deflate, br\r\n{SignedIn.HeaderFor(site)}{headers}\r\n");

    /// <summary>Opens the connection.</summary>
    internal async Task ConnectAsync(CancellationToken cancellation) => await _socket.ConnectAsync(address, cancellation);

    /// <summary>Sends a request and reads the whole answer. The body is valid until the next call.</summary>
    internal async Task<HttpAnswer> GetAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        var head = await OpenAsync(request, cancellation);
        if (head.IsChunked) // a page that says what is wrong: where the next answer begins is not known here
            throw new IOException($"The answer was {head.Status}, in chunks.");
        while (_filled < head.BodyStart + head.ContentLength)
            await FillAsync(cancellation);
        var answer = new HttpAnswer(head.Status, head.ETag, _buffer.AsMemory(head.BodyStart, head.ContentLength));
        _filled = 0;
        return answer;
    }

    /// <summary>Sends a request and reads the answer's head.</summary>
    internal async Task<Head> OpenAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        _filled = 0;
        await _socket.SendAsync(request, cancellation);
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf(HeadEnd)) < 0)
            await FillAsync(cancellation);
        return ParseHead(_buffer.AsSpan(0, end), end + HeadEnd.Length);
    }

    /// <summary>What follows the head of an answer without end, as it comes. The first piece may have come with the head.</summary>
    /// <returns>Empty at the end.</returns>
    internal async ValueTask<ReadOnlyMemory<byte>> NextAsync(Head? first, CancellationToken cancellation)
    {
        if (first is { } head && _filled > head.BodyStart)
            return _buffer.AsMemory(head.BodyStart.._filled);
        var read = await _socket.ReceiveAsync(_buffer, cancellation);
        Received += read;
        return _buffer.AsMemory(0, read);
    }

    /// <summary>Hands the connection over to another protocol.</summary>
    internal NetworkStream Upgrade() => new(_socket);

    /// <inheritdoc />
    public void Dispose()
    {
        _socket.LingerState = new LingerOption(true, 0); // no TIME_WAIT: a run opens more connections than there are ports
        _socket.Dispose();
    }

    private static Head ParseHead(ReadOnlySpan<byte> head, int bodyStart)
    {
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..], out int status, out _))
            throw new IOException("Not HTTP.");
        var length = Utf8Parser.TryParse(Header(head, "\r\nContent-Length: "u8), out int parsed, out _) ? parsed : 0;
        var etag = Header(head, "\r\nETag: "u8);
        return new Head(status, length, head.IndexOf("\r\nTransfer-Encoding: chunked"u8) >= 0, etag.IsEmpty ? null : Encoding.ASCII.GetString(etag), bodyStart);
    }

    private static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        var at = head.IndexOf(name);
        if (at < 0)
            return [];
        var value = head[(at + name.Length)..];
        var end = value.IndexOf((byte)'\r');
        return end < 0 ? value : value[..end];
    }

    private async ValueTask FillAsync(CancellationToken cancellation)
    {
        if (_filled == _buffer.Length)
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        var read = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), cancellation);
        if (read == 0)
            throw new IOException("The connection was closed.");
        _filled += read;
        Received += read;
    }

    /// <summary>The head of an answer.</summary>
    internal readonly record struct Head(int Status, int ContentLength, bool IsChunked, string? ETag, int BodyStart);
}

/// <summary>A whole answer.</summary>
internal readonly record struct HttpAnswer(int Status, string? ETag, ReadOnlyMemory<byte> Body);
