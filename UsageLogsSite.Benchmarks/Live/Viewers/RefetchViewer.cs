using System.Net;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>Hears of every change, and half a second later runs its own query.</summary>
internal sealed class RefetchViewer(IPEndPoint address, string query, FetchConnection fetch) : EventsViewer(address, query, fetch)
{
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(500);

    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        await RefreshAsync(cancellation);
        await OpenStreamAsync("/events", cancellation);
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await NextChangeAsync(cancellation);
            await Task.Delay(Wait, cancellation);
            await RefreshAsync(cancellation);
        }
    }

    private async Task RefreshAsync(CancellationToken cancellation) => Show(await Fetch.GetAsync(
        HttpWire.Request(Address, "/table" + Query),
        answer => NumberAfter(answer.Body.Span, "\"requests\":"u8) ?? throw new IOException($"Answered with {answer.Status}."),
        cancellation));
}
