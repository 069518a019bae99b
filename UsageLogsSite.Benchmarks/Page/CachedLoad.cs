using System.Diagnostics;
using System.Net;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>Requests for a fragment that a filter set keeps, over several connections, as fast as they are answered.</summary>
internal static class CachedLoad
{
    private const int Connections = 16;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(5);

    /// <summary>The bytes of a request for a fragment.</summary>
    /// <param name="site">Whom to ask.</param>
    /// <param name="filter">What to show.</param>
    /// <param name="version">The version that the client has; null for none.</param>
    internal static byte[] Request(IPEndPoint site, UsageFilter filter, string? version) =>
        HttpWire.Request(site, $"/usage/table{filter.QueryString}", version is null ? "" : $"If-None-Match: {version}\r\n");

    /// <summary>Measures.</summary>
    /// <param name="site">Whom to ask.</param>
    /// <param name="isKnown">Whether the client has the version already, and gets 304.</param>
    /// <param name="cancellation">Gives up.</param>
    internal static async Task<(double PerSecond, double P50, double P99)> RunAsync(SiteProcess site, bool isKnown, CancellationToken cancellation)
    {
        var filter = new UsageFilter();

        // A reader's stream keeps the filter set, and with it the view.
        using var stream = new HttpWire(site.Address);
        await stream.ConnectAsync(cancellation);
        await stream.OpenAsync(HttpWire.Request(site.Address, $"/usage/events{filter.QueryString}", "Accept: text/event-stream\r\n"), cancellation);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellation);

        using var first = new HttpWire(site.Address);
        await first.ConnectAsync(cancellation);
        var request = Request(site.Address, filter, isKnown ? (await first.GetAsync(Request(site.Address, filter, version: null), cancellation)).ETag : null);
        var expected = isKnown ? 304 : 200;
        await AskAsync(site, request, expected, WarmUp, cancellation);
        var start = Stopwatch.GetTimestamp();
        var took = await AskAsync(site, request, expected, Length, cancellation);
        return (took.Count / Stopwatch.GetElapsedTime(start).TotalSeconds, Percentile.Of(took, 0.5), Percentile.Of(took, 0.99));
    }

    private static async Task<List<double>> AskAsync(SiteProcess site, byte[] request, int expected, TimeSpan length, CancellationToken cancellation)
    {
        var end = Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);
        var all = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(() => AskUntilAsync(site, request, expected, end, cancellation), cancellation)));
        return [.. all.SelectMany(a => a)];
    }

    private static async Task<List<double>> AskUntilAsync(SiteProcess site, byte[] request, int expected, long end, CancellationToken cancellation)
    {
        using var wire = new HttpWire(site.Address);
        await wire.ConnectAsync(cancellation);
        var took = new List<double>();
        for (var now = Stopwatch.GetTimestamp(); now < end;)
        {
            var answer = await wire.GetAsync(request, cancellation);
            if (answer.Status != expected)
                throw new InvalidOperationException($"The site answered {answer.Status}.");
            var next = Stopwatch.GetTimestamp();
            took.Add(Stopwatch.GetElapsedTime(now, next).TotalMilliseconds);
            now = next;
        }

        return took;
    }
}
