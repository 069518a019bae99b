using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>A replica answers nothing any more, and nobody is told: its packets are lost.</summary>
public sealed class SilentHostTests(ReplicatedPostgres servers) : IClassFixture<ReplicatedPostgres>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Readers_seldom_wait_for_it_and_the_site_stays_ready(bool isFirst)
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var hole = servers.ProxyOfStandby();
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database, primaryFirst: !isFirst, hole));
        await ReadOnReplicaAsync(site);

        hole.Set(Fault.BlackHole);
        var times = new ConcurrentQueue<TimeSpan>();
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < 20)
            {
                times.Enqueue(await TimeAsync(site, "/usage?sort=cost"));
                times.Enqueue(await TimeAsync(site, "/health/ready"));
            }
        }));
        var slow = times.Where(time => time.TotalSeconds > 1).ToList();
        TestContext.Current.SendDiagnosticMessage(
            $"Silent {(isFirst ? "first" : "last")}: {times.Count} requests, {slow.Count} of more than a second, the slowest {times.Max().TotalSeconds:0.0} s");
        Assert.InRange(slow.Count, 0, 12); // each of the four once or twice
        Assert.InRange(times.Max().TotalSeconds, 0, 4.5);
    }

    [Fact]
    public async Task A_reader_whose_query_was_under_way_is_answered()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await database.AddUserAsync("Ann");
        await using var hole = servers.ProxyOfStandby();
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database, primaryFirst: true, hole));
        await ReadOnReplicaAsync(site);
        var start = 0L;
        var calls = 0;
        await site.Services.GetRequiredService<AdminDatabase>().ReadAsync(
            async (context, cancellation) =>
            {
                if (++calls == 1)
                {
                    hole.Set(Fault.BlackHole);
                    start = Stopwatch.GetTimestamp();
                }

                return await context.Users.CountAsync(cancellation);
            },
            Cancellation);
        Assert.Equal(2, calls);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 8);
    }

    [Fact]
    public async Task Connections_that_ended_in_a_pool_keep_nobody_from_the_primary_for_long()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var site = await Site.StartAsync(database, servers.SettingsOf(database));
        await site.GetPageAsync("/usage?sort=cost");
        Assert.NotEqual(0, await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite admin' AND datname = current_database()"));
        var start = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(
            async () =>
            {
                using var page = await site.GetAsync("/usage?sort=tokens", site.Cookie);
                return page.StatusCode == HttpStatusCode.OK;
            },
            "pages are read again");
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 8);
    }

    private static async Task ReadOnReplicaAsync(Site site)
    {
        using var places = new ReadPlaces(site);
        await Eventually.TrueAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => site.GetPageAsync("/usage?sort=cost")));
                return places.OnReplica > 8;
            },
            "the replica is asked");
    }

    /// <summary>How long an answer took, which must be a good one.</summary>
    private static async Task<TimeSpan> TimeAsync(Site site, string address)
    {
        var start = Stopwatch.GetTimestamp();
        using var answer = await site.Http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
        Assert.True(answer.IsSuccessStatusCode, $"{address}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancellation)}");
        return Stopwatch.GetElapsedTime(start);
    }
}
