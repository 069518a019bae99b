using System.Diagnostics;
using System.Net;
using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>Whatever fails between the site and PostgreSQL, an open page is right again soon after, and nothing is lost.</summary>
[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class DatabaseFaultTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly TimeSpan RightWithin = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("Cut")]
    [InlineData("BlackHole")]
    [InlineData("Delay")]
    [InlineData("Drip")]
    public async Task A_fault_on_the_way_to_the_database_is_found_and_made_good(string fault)
    {
        var ann = await Database.AddUserAsync("Ann");
        var settings = new NpgsqlConnectionStringBuilder(Database.ConnectionString);
        await using var proxy = new FaultProxy(settings.Host!, settings.Port);
        settings.Port = proxy.Port;
        await using var site = await Site.StartAsync(Database, new() { ["ConnectionStrings:UsageLogs"] = settings.ConnectionString });
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        proxy.Set(Enum.Parse<Fault>(fault));
        await Database.AddLogAsync(ann);
        await Task.Delay(TimeSpan.FromSeconds(3), Cancellation);
        proxy.Set(Fault.None);

        await AssertRightSoonAsync(site, "1");
    }

    [Fact]
    public async Task A_black_hole_that_stays_is_found_and_gone_round()
    {
        var ann = await Database.AddUserAsync("Ann");
        var settings = new NpgsqlConnectionStringBuilder(Database.ConnectionString);
        await using var hole = new FaultProxy(settings.Host!, settings.Port);
        settings.Port = hole.Port;
        await using var site = await Site.StartAsync(Database, new() { ["ConnectionStrings:UsageLogs"] = settings.ConnectionString });
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        // Nobody is told that the connection is dead: only its silence says so.
        hole.Set(Fault.BlackHole);
        var start = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => site.Logs.Count(1006) > 0 && site.Logs.Count(2002) > 0, "listener and fold have noticed");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, RightWithin);
        await Database.AddLogAsync(ann);
        hole.Set(Fault.Cut);
        hole.Set(Fault.None);
        await AssertRightSoonAsync(site, "1");
    }

    [Fact]
    public async Task Terminated_backends_in_any_order_lose_nothing()
    {
        var faults = Run.IsLong ? 100 : 12;
        var random = new Random(1);
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        var written = 0;
        for (var i = 0; i < faults; i++)
        {
            string[] duties = ["listener", "rollup", "admin"];
            await Database.ExecuteAsync(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
                $"UsageLogsSite {duties[random.Next(duties.Length)]}");
            for (var n = random.Next(4); n >= 0; n--, written++)
                await Database.AddLogAsync(ann);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(400)), Cancellation);
        }

        await AssertRightSoonAsync(site, $"{written}");
        await Rollup.Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task Forged_hints_are_only_hints()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        var before = site.Logs.Count(1001);
        var start = Stopwatch.GetTimestamp();
        await Database.ExecuteAsync("DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_notify('usage_changed', i || repeat('<x>', i % 2000)); END LOOP; END $$");
        await site.QuietAsync();
        Assert.InRange(site.Logs.Count(1001) - before, 0, (int)(2 * Stopwatch.GetElapsedTime(start).TotalSeconds) + 2);
        Assert.Equal(0, stream.Drain());
        await Database.AddLogAsync(ann);
        await stream.NextAsync();
    }

    [Fact]
    public async Task Connections_that_ended_while_nobody_looked_cost_no_reader_an_error()
    {
        await using var site = await Site.StartAsync(Database);
        string[] addresses = ["/usage", "/usage?sort=cost", "/usage?sort=name", "/usage?sort=tokens", "/usage?sort=credits"];
        for (var round = 0; round < (Run.IsLong ? 100 : 5); round++)
        {
            await Task.WhenAll(addresses.Select(site.GetPageAsync));
            Assert.NotEqual(0, await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite admin' AND datname = current_database()"));
            await Task.WhenAll(addresses.Select(site.GetPageAsync));
        }
    }

    [Fact]
    public async Task A_read_only_database_is_still_shown_and_folded_when_it_can_be_written_again()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        await Database.MakeReadOnlyAsync();
        await Eventually.TrueAsync(() => site.Logs.Count(2002, "read-only transaction") > 0, "the fold says so");
        await Eventually.TrueAsync(() => site.Logs.Count(1005) == 2, "changes are heard again");
        await Database.AddLogAsync(ann);
        foreach (var address in new[] { "/usage", "/usage?sort=cost" })
            Assert.Equal("0", (await site.GetPageAsync(address)).QuerySelector("#total-requests data")!.GetAttribute("value"));
        Assert.False(stream.Ended.IsCompleted);

        await Database.MakeWritableAsync();
        await AssertRightSoonAsync(site, "1");
        await stream.NextAsync();
        await Rollup.Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task An_exhausted_pool_is_told_ends_no_stream_and_is_over_when_its_cause_is()
    {
        var ann = await Database.AddUserAsync("Ann");
        var pages = new NpgsqlConnectionStringBuilder(Database.ConnectionString) { MaxPoolSize = 1 };
        await using var site = await Site.StartAsync(Database, new() { ["ConnectionStrings:UsageLogs"] = pages.ConnectionString });
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        // As VACUUM FULL does: whoever reads totals waits, on the only connection or for it.
        await using var blocking = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await blocking.BeginTransactionAsync(Cancellation);
        await using (var locking = new NpgsqlCommand("LOCK TABLE usage_totals IN ACCESS EXCLUSIVE MODE", blocking, transaction))
            await locking.ExecuteNonQueryAsync(Cancellation);
        await Database.AddLogAsync(ann);
        string[] addresses = ["/usage?sort=cost", "/usage?sort=name", "/usage/table?sort=tokens", "/usage/table?sort=requests"];
        await Task.WhenAll(addresses.Select(address => AssertUnavailableAsync(site, address)));
        Assert.Contains(site.Logs.Errors, error => error.Contains("connection pool has been exhausted", StringComparison.Ordinal));
        Assert.False(stream.Ended.IsCompleted);

        await transaction.RollbackAsync(Cancellation);
        await AssertRightSoonAsync(site, "1");
        await stream.NextAsync();
    }

    private static async Task AssertUnavailableAsync(Site site, string address)
    {
        using var answer = await site.Http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), answer.Headers.RetryAfter?.Delta);
        Assert.Contains("The database does not answer", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static async Task AssertRightSoonAsync(Site site, string requests)
    {
        var start = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(
            async () =>
            {
                // As a browser does it: what comes in time counts, anything else is tried again.
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
                patience.CancelAfter(TimeSpan.FromSeconds(8));
                try
                {
                    using var response = await site.Http.GetAsync(new Uri("/usage/table", UriKind.Relative), patience.Token);
                    return (await response.Content.ReadAsStringAsync(patience.Token)).Contains($"id=\"total-requests\"><data value=\"{requests}\"", StringComparison.Ordinal);
                }
                catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
                {
                    return false;
                }
            },
            $"the page shows {requests}");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, RightWithin);
    }
}
