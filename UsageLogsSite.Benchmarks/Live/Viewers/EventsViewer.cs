using System.Net;
using System.Text;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>A page that hears of changes by server-sent events and fetches what they announce.</summary>
internal abstract class EventsViewer(IPEndPoint address, string query, FetchConnection fetch) : Viewer(address, query)
{
    private readonly byte[] _tail = new byte[256];
    private int _tailLength;
    private HttpWire.Head? _head;

    protected FetchConnection Fetch { get; } = fetch;

    /// <summary>Opens the stream on the page's main connection.</summary>
    /// <returns>The status; anything but 200 is no stream.</returns>
    protected async Task<int> OpenStreamAsync(string path, CancellationToken cancellation)
    {
        if (!Main.IsConnected)
            await Main.ConnectAsync(cancellation);
        var head = await Main.OpenAsync(HttpWire.Request(Address, path, "Accept: text/event-stream\r\n"), cancellation);
        _head = head;
        return head.Status;
    }

    /// <summary>Waits for the next change event; whatever else the stream says is passed over.</summary>
    /// <returns>Its data: the new version.</returns>
    /// <exception cref="IOException">The stream ended.</exception>
    protected async Task<string> NextChangeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var piece = await Main.NextAsync(_head, cancellation);
            _head = null;
            if (piece.IsEmpty)
                throw new IOException("The stream ended.");
            if (LastChange(piece.Span) is { } version)
                return version;
        }
    }

    /// <summary>The last whole change event of what has come; an event may be split between pieces.</summary>
    private string? LastChange(ReadOnlySpan<byte> piece)
    {
        var joined = new byte[_tailLength + piece.Length];
        _tail.AsSpan(0, _tailLength).CopyTo(joined);
        piece.CopyTo(joined.AsSpan(_tailLength));
        var text = joined.AsSpan();
        string? version = null;
        int end;
        while ((end = text.IndexOf("\n\n"u8)) >= 0)
        {
            var item = text[..end];
            var data = item.IndexOf("\ndata: "u8);
            if (item.IndexOf("event: usage-changed"u8) >= 0 && data >= 0)
                version = Encoding.ASCII.GetString(FirstLine(item[(data + 7)..]));
            text = text[(end + 2)..];
        }

        _tailLength = Math.Min(text.Length, _tail.Length);
        text[^_tailLength..].CopyTo(_tail);
        return version;
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)'\n');
        return end < 0 ? text : text[..end];
    }
}
