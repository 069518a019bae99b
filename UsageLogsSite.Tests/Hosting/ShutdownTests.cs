using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>An operator who restarts the site waits for nobody, and its readers do not come back all at once.</summary>
public sealed partial class ShutdownTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private const int Streams = 1_000;

    [Fact]
    public async Task A_thousand_open_streams_end_in_order_within_five_seconds()
    {
        await using var app = await published.StartAsync(new()
        {
            ["ConnectionStrings:UsageLogs"] = Database.ConnectionString,
            ["Database:MigrateOnStartup"] = "false",
            ["Live:MaxStreamsPerClient"] = $"{Streams}",
            ["Live:MaxStreamsPerAddress"] = $"{Streams}",
            ["Limits:RequestsPerSecond"] = $"{Streams}",
        });
        var readers = new List<Reader>();
        while (readers.Count < Streams)
            readers.Add(await Reader.OpenAsync(app));
        await Eventually.TrueAsync(() => readers.All(r => r.HasBegun), "all streams are open");

        var start = Stopwatch.GetTimestamp();
        await app.StopAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        // The last chunk of a body (RFC 9112, section 7.1), then the end of the connection: nothing was cut off.
        var received = await Task.WhenAll(readers.Select(r => r.ToEnd)).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.All(received, text => Assert.EndsWith("\r\n0\r\n\r\n", text, StringComparison.Ordinal));
        AssertSpread([.. received.Select(text => int.Parse(Retry().Match(text).Groups[1].Value, CultureInfo.InvariantCulture))]);
    }

    /// <summary>No tenth of the time between the first and the last has twice its share.</summary>
    private static void AssertSpread(int[] waits)
    {
        var (first, last) = (waits.Min(), waits.Max());
        Assert.InRange(last - first, 1_500, int.MaxValue);
        var tenths = waits.GroupBy(wait => 10 * (wait - first) / (last - first + 1)).Select(tenth => tenth.Count());
        Assert.InRange(tenths.Max(), 1, 2 * Streams / 10);
    }

    [GeneratedRegex(@"^retry: (\d+)\r?$", RegexOptions.Multiline)]
    private static partial Regex Retry();

    /// <summary>A socket that notes what comes until the server closes it.</summary>
    private sealed class Reader
    {
        private volatile bool _hasBegun;

        private Reader(TcpClient client) => ToEnd = ReadAsync(client);

        internal bool HasBegun => _hasBegun;

        /// <summary>All that came; fails if the connection was reset.</summary>
        internal Task<string> ToEnd { get; }

        internal static async Task<Reader> OpenAsync(RunningApp app)
        {
            var site = app.Http.BaseAddress!;
            var client = new TcpClient();
            await client.ConnectAsync(site.Host, site.Port, Cancellation);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /usage/events HTTP/1.1\r\nHost: {site.Authority}\r\nCookie: {app.Cookie}\r\n\r\n"), Cancellation);
            return new Reader(client);
        }

        private async Task<string> ReadAsync(TcpClient client)
        {
            using var _ = client;
            var received = new StringBuilder();
            var buffer = new byte[4096];
            int read;
            while ((read = await client.GetStream().ReadAsync(buffer, Cancellation)) > 0)
            {
                received.Append(Encoding.ASCII.GetString(buffer, 0, read));
                _hasBegun |= received.ToString().Contains("event: usage-changed", StringComparison.Ordinal);
            }

            return received.ToString();
        }
    }
}
