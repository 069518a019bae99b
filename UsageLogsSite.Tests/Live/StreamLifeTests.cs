using System.Net.Sockets;
using System.Text;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>How streams end: by age, by stalled readers, by abrupt closes.</summary>
public sealed class StreamLifeTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_stream_ends_by_age_and_its_reader_comes_back_without_an_event()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamLifetime"] = "00:00:01" });
        string version;
        await using (var stream = await SseReader.OpenAsync(site))
        {
            version = (await stream.NextAsync()).EventId!;
            await stream.Ended.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        }

        await using var again = await SseReader.OpenAsync(site, lastEventId: version);
        await again.Ended.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.Equal(0, again.Drain());
    }

    [Fact]
    public async Task A_reader_that_never_reads_is_dropped_and_delays_nobody()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new()
        {
            ["Live:Debounce"] = "00:00:00.001",
            ["Live:Settle"] = "00:00:00.001",
            ["Live:MaxEventsPerSecond"] = "1000",
            ["Live:WriteDeadline"] = "00:00:00.500",
            ["Rollup:Poll"] = "00:00:00.010",
        });
        using var stalled = new TcpClient { ReceiveBufferSize = 1024 };
        await stalled.ConnectAsync(site.Address.Host, site.Address.Port, Cancellation);
        await stalled.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /usage/events?type=external HTTP/1.1\r\nHost: {site.Address.Authority}\r\nCookie: {site.Cookie}\r\n\r\n"), Cancellation);
        await using var reader = await SseReader.OpenAsync(site);
        await Eventually.TrueAsync(() => site.FilterSets.Count == 2, "both are watching");

        var (events, silent) = (0, 0);
        using var busy = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = WriteAsync(ann, busy.Token);
        for (var seconds = 0; site.FilterSets.Count == 2 && seconds < 180; seconds++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            var came = reader.Drain();
            silent = came > 0 ? 0 : silent + 1;
            Assert.True(silent < 10, "the other reader was delayed");
            events += came;
        }

        await busy.CancelAsync();
        await load;
        Assert.Equal(1, site.FilterSets.Count);
        Assert.InRange(events, 50, int.MaxValue);
    }

    [Fact]
    public async Task Abrupt_closes_leave_nothing_behind()
    {
        var closes = Run.IsLong ? 1_000 : 150;
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreams"] = $"{closes}" });
        var clients = new List<TcpClient>();
        for (var i = 0; i < closes; i++)
        {
            var client = new TcpClient { LingerState = new LingerOption(true, 0) };
            await client.ConnectAsync(site.Address.Host, site.Address.Port, Cancellation);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /usage/events?page={i + 1} HTTP/1.1\r\nHost: {site.Address.Authority}\r\nCookie: {site.Cookie}\r\n\r\n"), Cancellation);
            clients.Add(client);
        }

        await Eventually.TrueAsync(() => site.FilterSets.Count == closes, "all are watching");
        foreach (var client in clients)
            client.Dispose();
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "nobody is left");
        await using var next = await SseReader.OpenAsync(site);
        await next.NextAsync();
        await Eventually.TrueAsync(
            async () => await Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite admin' AND state <> 'idle'") == 0,
            "no query is left running");
    }

    private async Task WriteAsync(Guid user, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
            await Database.AddLogAsync(user);
    }
}
