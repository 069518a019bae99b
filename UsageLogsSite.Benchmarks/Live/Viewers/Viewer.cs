using System.Diagnostics;
using System.Globalization;
using System.Net;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>One open page, seen from the network. What it shows is known by the sum of requests, which grows with every change.</summary>
/// <param name="address">The site.</param>
/// <param name="query">Its filter, as a query string that begins with a question mark.</param>
internal abstract class Viewer(IPEndPoint address, string query) : IDisposable
{
    private HttpWire _main = new(address);

    /// <summary>The sum of requests that it shows.</summary>
    internal long Shown { get; private set; }

    /// <summary>When it came to show it: a timestamp of <see cref="Stopwatch"/>.</summary>
    internal long ShownAt { get; private set; }

    /// <summary>How often its content was replaced.</summary>
    internal int Refreshes { get; private set; }

    /// <summary>Why it no longer follows; null while it does.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Bytes received so far.</summary>
    internal virtual long Received => _main.Received;

    protected IPEndPoint Address { get; } = address;

    protected string Query { get; } = query;

    /// <summary>The page's long-lived connection.</summary>
    protected HttpWire Main => _main;

    /// <summary>Makes a viewer of a variant.</summary>
    internal static Viewer Create(string variant, IPEndPoint address, string query, FetchConnection fetch) => variant switch
    {
        "ours" => new StreamViewer(address, query, fetch),
        "returning" => new ReturningViewer(address, query, fetch),
        "refetch" => new RefetchViewer(address, query, fetch),
        "polling" => new PollingViewer(address, query),
        "signalr" => new SignalRViewer(address, query),
        "blazor" => new BlazorViewer(address, query),
        _ => throw new ArgumentException($"Unknown variant '{variant}'."),
    };

    /// <summary>Opens the page; returns when it shows something and will hear of changes.</summary>
    internal abstract Task OpenAsync(CancellationToken cancellation);

    /// <summary>Follows changes until cancelled.</summary>
    internal async Task FollowAsync(CancellationToken cancellation)
    {
        try
        {
            await RunAsync(cancellation);
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            // The measurement is over.
        }
        catch (Exception e)
        {
            Failure = e;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives up the long-lived connection for a new one, not yet open.</summary>
    protected void Renew()
    {
        _main.Dispose();
        _main = new HttpWire(Address);
    }

    protected abstract Task RunAsync(CancellationToken cancellation);

    protected virtual void Dispose(bool disposing) => _main.Dispose();

    /// <summary>Notes what the viewer shows from now on.</summary>
    protected void Show(long requests)
    {
        Refreshes++;
        if (requests <= Shown)
            return;
        Shown = requests;
        ShownAt = Stopwatch.GetTimestamp();
    }

    /// <summary>The number behind a mark in text; null if there is none.</summary>
    protected static long? NumberAfter(ReadOnlySpan<byte> text, ReadOnlySpan<byte> mark)
    {
        var at = text.IndexOf(mark);
        if (at < 0)
            return null;
        var digits = text[(at + mark.Length)..];
        var end = digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return long.Parse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
