using System.Diagnostics;
using System.Net;
using Npgsql;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>PostgreSQL itself is killed and started again, under the site.</summary>
public sealed class DatabaseCrashTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-crash-{Guid.NewGuid():N}");
    private EmbeddedPostgres _server = null!;

    public async ValueTask InitializeAsync() => _server = await EmbeddedPostgres.StartAsync(_directory, null, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_site_stays_up_and_is_right_again_without_a_restart()
    {
        var settings = new NpgsqlConnectionStringBuilder(_server.ConnectionString);
        await using var proxy = new FaultProxy(settings.Host!, settings.Port);
        settings.Port = proxy.Port;
        await using var database = new PostgresDatabase(settings.ConnectionString);
        await database.MigrateAsync();
        var ann = await database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();

        await KillAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                using var page = await site.Http.GetAsync(new Uri("/usage?sort=cost", UriKind.Relative), TestContext.Current.CancellationToken);
                return page.StatusCode == HttpStatusCode.ServiceUnavailable;
            },
            "the site says that its database is gone, as the last backends notice that it was killed");

        await RestartAsync();
        proxy.LeadTo("127.0.0.1", new NpgsqlConnectionStringBuilder(_server.ConnectionString).Port);
        var start = Stopwatch.GetTimestamp();
        database.DataSource.Clear();
        await database.AddLogAsync(ann);
        await stream.NextAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 20);
        Assert.Equal("1", (await site.GetPageAsync("/usage")).QuerySelector("#total-requests data")!.GetAttribute("value"));
        await site.FoldedAsync();
        await Totals.AssertExactAsync(database);
    }

    private async Task KillAsync()
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(_directory, "data", "postmaster.pid"), TestContext.Current.CancellationToken))[0];
        using var kill = Process.Start("kill", ["-9", postmaster]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    // Backends outlive their killed postmaster for a moment, and hold its shared memory.
    private async Task RestartAsync()
    {
        await _server.DisposeAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    _server = await EmbeddedPostgres.StartAsync(_directory, null, TestContext.Current.CancellationToken);
                    return true;
                }
                catch (StartupException)
                {
                    return false;
                }
            },
            "PostgreSQL starts again");
    }
}
