using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>The site's own page: a stream that names versions, and fragments fetched with the version shown.</summary>
internal class StreamViewer(IPEndPoint address, string query, FetchConnection fetch) : EventsViewer(address, query, fetch)
{
    /// <summary>What each version shows: read once for all viewers, so that reading costs the generator nothing.</summary>
    private static readonly ConcurrentDictionary<string, long> RequestsOf = new();

    private string _version = "";

    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        await RefreshAsync(cancellation);
        await ConnectAsync(cancellation);
    }

    /// <summary>Opens the stream with the version shown.</summary>
    protected async Task ConnectAsync(CancellationToken cancellation)
    {
        var status = await OpenStreamAsync($"/usage/events{Query}&version={_version}", cancellation);
        if (status != 200)
            throw new IOException($"The stream was answered with {status}.");
    }

    /// <summary>Asks for the fragment, unless it is the one shown.</summary>
    protected async Task RefreshAsync(CancellationToken cancellation)
    {
        var (status, version, requests) = await Fetch.GetAsync(
            HttpWire.Request(Address, "/usage/table" + Query, $"HX-Request: true\r\nA-IM: usage-rows\r\nIf-None-Match: \"{_version}\"\r\n"), Read, cancellation);
        if (status == 304)
            return;
        if (status is not (200 or 226))
            throw new IOException($"The fragment was answered with {status}.");
        _version = version;
        Show(requests);
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await NextChangeAsync(cancellation);
            await RefreshAsync(cancellation);
        }
    }

    private static (int Status, string Version, long Requests) Read(HttpAnswer answer)
    {
        if (answer.Status is not (200 or 226))
            return (answer.Status, "", 0);
        var version = answer.ETag!.Trim('"');
        if (!RequestsOf.TryGetValue(version, out var requests))
        {
            using var unpacked = new MemoryStream();
            using (var brotli = new BrotliStream(new MemoryStream(answer.Body.ToArray()), CompressionMode.Decompress))
                brotli.CopyTo(unpacked);
            requests = NumberAfter(unpacked.ToArray(), "id=\"total-requests\"><data value=\""u8) ?? throw new IOException("A fragment without sums.");
            RequestsOf[version] = requests;
        }

        return (answer.Status, version, requests);
    }
}
