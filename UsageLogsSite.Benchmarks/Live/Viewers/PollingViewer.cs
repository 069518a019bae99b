using System.Net;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>Asks every two seconds.</summary>
internal sealed class PollingViewer(IPEndPoint address, string query) : Viewer(address, query)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        await Main.ConnectAsync(cancellation);
        await RefreshAsync(cancellation);
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        // Browsers do not poll in step.
        await Task.Delay(Interval * Random.Shared.NextDouble(), cancellation);
        using var timer = new PeriodicTimer(Interval);
        do
            await RefreshAsync(cancellation);
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task RefreshAsync(CancellationToken cancellation)
    {
        var answer = await Main.GetAsync(HttpWire.Request(Address, "/table" + Query), cancellation);
        Show(NumberAfter(answer.Body.Span, "\"requests\":"u8) ?? throw new IOException($"Answered with {answer.Status}."));
    }
}
