using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>Readers alone, and beside as many that ask for streams and pages and never read: in turn, so that the machine's mood is shared.</summary>
internal static class Stalled
{
    private const int Users = 1_000;
    private const int Readers = 50;
    private const int Rounds = 5;
    private const int ChangesInEach = 20;
    private const int PagesAskedFor = 50;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    internal static async Task RunAsync(CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        await using var site = await SiteProcess.StartAsync("ours", database.ConnectionString, port: 0, cancellation);
        await using var audience = await Audience.OpenAsync("ours", site.Address, Readers, filterSets: 1, cancellation);
        await ChangeAsync(database, audience, [], cancellation); // warms up
        var (alone, beside, memory) = (new List<double>(), new List<double>(), site.Memory);
        for (var round = 0; round < Rounds; round++)
        {
            await ChangeAsync(database, audience, alone, cancellation);
            var stalled = new List<Socket>();
            for (var i = 0; i < Readers; i++)
                stalled.Add(await StallAsync(site.Address, wantsStream: i % 2 == 0, cancellation));

            // What they asked for is answered as far as they take it: the first change in each round would meet that, and be the p95.
            await Task.Delay(Pause, cancellation);
            await ChangeAsync(database, audience, beside, cancellation);
            stalled.ForEach(s => s.Dispose());
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"""
            commit to content, {Readers} readers of one view, {Rounds * ChangesInEach} changes each
            alone:                                   p50 {Percentile.Of(alone, 0.5):0.0} ms, p95 {Percentile.Of(alone, 0.95):0.0} ms
            beside {Readers} that never read:              p50 {Percentile.Of(beside, 0.5):0.0} ms, p95 {Percentile.Of(beside, 0.95):0.0} ms: {Percentile.Of(beside, 0.95) / Percentile.Of(alone, 0.95):0.00} ×
            memory of the site: {memory / 1048576.0:0} MB before, {site.Memory / 1048576.0:0} MB after
            """));
    }

    private static async Task ChangeAsync(Database database, Audience audience, List<double> delays, CancellationToken cancellation)
    {
        for (var i = 0; i < ChangesInEach; i++)
        {
            await database.AddLogAsync(cancellation);
            var committed = Stopwatch.GetTimestamp();
            delays.AddRange(await audience.ShowAsync(await database.LogsAsync(cancellation), committed, Patience, cancellation));
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>Half of them hold streams, the others ask for uncompressed pages again and again.</summary>
    private static async Task<Socket> StallAsync(IPEndPoint address, bool wantsStream, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await socket.ConnectAsync(address, cancellation);
        var request = $"GET {(wantsStream ? "/usage/events" : "/usage/table?size=100")} HTTP/1.1\r\nHost: localhost\r\n{SignedIn.HeaderFor(address)}\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(wantsStream ? request : string.Concat(Enumerable.Repeat(request, PagesAskedFor))), cancellation);
        return socket;
    }
}
