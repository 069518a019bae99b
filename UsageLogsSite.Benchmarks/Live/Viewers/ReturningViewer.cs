using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live.Viewers;

/// <summary>The site's own page with what its script does when the stream is lost: comes back with jitter and back-off, and polls meanwhile.</summary>
internal sealed class ReturningViewer(IPEndPoint address, string query, FetchConnection fetch) : StreamViewer(address, query, fetch)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(15);

    /// <summary>When the stream was open again: a timestamp of <see cref="Stopwatch"/>; 0 before.</summary>
    internal long ReturnedAt { get; private set; }

    /// <summary>Attempts that were refused or failed.</summary>
    internal int Refusals { get; private set; }

    /// <summary>Opens the page, and loads it anew where it is answered with an error.</summary>
    internal override async Task OpenAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await base.OpenAsync(cancellation);
                return;
            }
            catch (Exception e) when (IsLoss(e))
            {
                Refusals++;
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
                Renew();
            }
        }
    }

    protected override async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await base.RunAsync(cancellation);
            }
            catch (Exception e) when (IsLoss(e))
            {
                await ReturnAsync(cancellation);
            }
        }
    }

    private static bool IsLoss(Exception e) => e is IOException or SocketException or ObjectDisposedException;

    private async Task ReturnAsync(CancellationToken cancellation)
    {
        using var connected = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var polling = PollAsync(connected.Token);

        // The stream's "retry" of 1 to 3 seconds, half more or less, doubled with each failure.
        var wait = TimeSpan.FromSeconds(1 + 2 * Random.Shared.NextDouble());
        while (true)
        {
            await Task.Delay(wait * (0.5 + Random.Shared.NextDouble()), cancellation);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
            try
            {
                Renew();
                await ConnectAsync(cancellation).WaitAsync(ConnectTimeout, cancellation);
                break;
            }
            catch (Exception e) when (IsLoss(e) || e is TimeoutException)
            {
                Refusals++;
            }
        }

        ReturnedAt = Stopwatch.GetTimestamp();
        await connected.CancelAsync();
        await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task PollAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(Poll + TimeSpan.FromSeconds(5) * Random.Shared.NextDouble(), cancellation);
            try
            {
                await RefreshAsync(cancellation);
            }
            catch (Exception e) when (IsLoss(e))
            {
                Refusals++;
            }
        }
    }
}
