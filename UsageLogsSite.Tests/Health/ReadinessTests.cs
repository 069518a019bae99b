using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Health;
using UsageLogsSite.Live;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Health;

/// <summary>A balancer sends nobody to an instance whose pages would be old, and is not misled about one that has nothing to do.</summary>
[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class ReadinessTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("00:00:01")]
    [InlineData("00:00:10")] // the default, and longer than a statement of the fold waits: it fails and begins anew meanwhile
    public async Task A_fold_that_is_held_up_is_told_in_words_until_it_goes_on(string most)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Health:MaxFoldLag"] = most });
        await ReadyAsync(site.Http);

        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
        await using (await connection.BeginTransactionAsync(Cancellation))
        {
            await using var hold = new Npgsql.NpgsqlCommand("LOCK TABLE usage_totals IN SHARE ROW EXCLUSIVE MODE", connection);
            await hold.ExecuteNonQueryAsync(Cancellation);
            await Database.AddLogAsync(ann);
            await BehindAsync(site);
        }

        await ReadyAsync(site.Http);
    }

    [Fact]
    public async Task A_fold_that_fails_as_soon_as_it_begins_is_behind_and_not_the_duty_of_nobody()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("REVOKE DELETE ON usage_deltas FROM usage_rollup");
        await Database.AddLogAsync(ann);
        await BehindAsync(site);
        Assert.InRange(site.Logs.Count(2002, "permission denied"), 3, int.MaxValue);
        for (var i = 0; i < 20; i++)
            Assert.Contains("behind", (await AskAsync(site.Http)).Why, StringComparison.Ordinal);

        await Database.ExecuteAsync("GRANT DELETE ON usage_deltas TO usage_rollup");
        await ReadyAsync(site.Http);
    }

    [Fact]
    public async Task A_connection_that_died_in_the_pool_is_not_held_against_the_database()
    {
        await using var site = await Site.StartAsync(Database);
        var check = ActivatorUtilities.CreateInstance<DatabaseCheck>(site.Services);
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);
        await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite admin'");
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);

        await Database.ShutAsync();
        Assert.Equal("does not answer", (await check.CheckHealthAsync(new(), Cancellation)).Description);
        await Database.OpenAsync();
        await ReadyAsync(site.Http);
    }

    [Fact]
    public async Task It_is_worked_out_once_a_second_however_many_ask()
    {
        var checks = new CountedChecks();
        await using var site = await Site.StartAsync(Database, services: services => services.AddHealthChecks().AddCheck("database2", checks));
        checks.Count = 0;
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 100; i++)
        {
            using var answer = await site.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        }

        Assert.InRange(checks.Count, 1, 1 + (int)Math.Ceiling(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds));
    }

    [Fact]
    public async Task Asked_to_stop_it_says_so_at_once_ends_streams_and_still_answers()
    {
        await using var app = await published.StartAsync(new()
        {
            ["ConnectionStrings:UsageLogs"] = Database.ConnectionString,
            ["Database:MigrateOnStartup"] = "false",
            ["Health:Drain"] = "00:00:05",
        });
        using var stream = await app.Http.GetAsync(new Uri("/usage/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var ended = stream.Content.ReadAsStringAsync(Cancellation);
        var stopped = app.StopAsync();
        await Eventually.TrueAsync(async () => (await AskAsync(app.Http)).Why.Contains("The site is stopping.", StringComparison.Ordinal), "the site says that it stops");
        await ended.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.False(stopped.IsCompleted);
        using (var page = await app.Http.GetAsync(new Uri("/usage", UriKind.Relative), Cancellation))
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        await stopped;
    }

    [Fact]
    public async Task Who_does_not_fold_or_has_nothing_to_fold_is_ready()
    {
        var rollup = new RollupStatus(_time);
        var check = new FoldCheck(rollup, Options.Create(new HealthOptions()));
        Assert.Equal(HealthStatus.Healthy, await StatusAsync(check));
        rollup.Elect();
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(HealthStatus.Healthy, await StatusAsync(check));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HealthStatus.Unhealthy, await StatusAsync(check));
        rollup.Look(_time.GetUtcNow(), 0, isCaughtUp: true);
        rollup.Sleep();
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(HealthStatus.Healthy, await StatusAsync(check));
        rollup.Wake(isFirstChange: true);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(HealthStatus.Unhealthy, await StatusAsync(check));
        rollup.Resign();
        rollup.Yield();
        Assert.Equal(HealthStatus.Healthy, await StatusAsync(check));
    }

    [Fact]
    public void A_fold_that_is_interrupted_is_as_late_as_before_until_it_or_another_one_has_folded()
    {
        var rollup = new RollupStatus(_time);
        rollup.Elect();
        rollup.Look(_time.GetUtcNow(), 0, isCaughtUp: true);
        for (var seconds = 8; seconds <= 24; seconds += 8)
        {
            _time.Advance(TimeSpan.FromSeconds(8));
            rollup.Resign();
            Assert.Equal((false, TimeSpan.FromSeconds(seconds)), (rollup.IsElected, rollup.Lag));
            rollup.Elect();
            Assert.Equal((true, TimeSpan.FromSeconds(seconds)), (rollup.IsElected, rollup.Lag));
        }

        // Another one gets stuck at the same lock, and then it is this one's turn again.
        rollup.Resign();
        rollup.Yield();
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.Null(rollup.Lag);
        rollup.Elect();
        Assert.Equal(TimeSpan.FromSeconds(32), rollup.Lag);

        // One that folds for so long is not stuck.
        rollup.Resign();
        rollup.Yield();
        _time.Advance(TimeSpan.FromMinutes(11));
        rollup.Elect();
        Assert.Equal(TimeSpan.Zero, rollup.Lag);

        // Asleep, it had folded all, until its connection was lost.
        rollup.Sleep();
        _time.Advance(TimeSpan.FromHours(1));
        rollup.Resign();
        Assert.Equal(TimeSpan.Zero, rollup.Lag);
        _time.Advance(TimeSpan.FromSeconds(5));
        rollup.Elect();
        Assert.Equal(TimeSpan.FromSeconds(5), rollup.Lag);
    }

    [Fact]
    public async Task Who_hears_nothing_is_not_ready()
    {
        var listener = new ListenerStatus(_time);
        var check = new ListenerCheck(listener);
        Assert.Equal(HealthStatus.Unhealthy, await StatusAsync(check));
        listener.Set(isFollowing: true);
        Assert.Equal(HealthStatus.Healthy, await StatusAsync(check));
        listener.Set(isFollowing: false);
        Assert.Equal(HealthStatus.Unhealthy, await StatusAsync(check));
    }

    private static Task BehindAsync(Site site) =>
        Eventually.TrueAsync(async () => (await AskAsync(site.Http)).Why.Contains("behind", StringComparison.Ordinal), "the site says that its fold is behind");

    private static async Task<HealthStatus> StatusAsync(IHealthCheck check) => (await check.CheckHealthAsync(new(), Cancellation)).Status;

    private static Task ReadyAsync(HttpClient http) => Eventually.TrueAsync(async () => (await AskAsync(http)).Status == HttpStatusCode.OK, "the site is ready");

    private static async Task<(HttpStatusCode Status, string Why)> AskAsync(HttpClient http)
    {
        using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["status", "why", "checks"], body.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(4, body.RootElement.GetProperty("checks").EnumerateObject().Count());
        return (answer.StatusCode, string.Join(' ', body.RootElement.GetProperty("why").EnumerateArray()));
    }

    private sealed class CountedChecks : IHealthCheck
    {
        internal int Count { get; set; }

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            Count++;
            return Task.FromResult(HealthCheckResult.Healthy());
        }
    }
}
