using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>One command, from nothing to a served page; and what a crash leaves behind.</summary>
public sealed partial class StartTests(PublishedApp published) : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-start-{Guid.NewGuid():N}");

    [Fact]
    public async Task The_site_brings_its_own_database_takes_over_what_a_crash_left_and_stops_it_in_the_end()
    {
        var settings = new Dictionary<string, string> { ["Postgres:DataDirectory"] = _directory, ["Demo:Traffic"] = "false" };
        await using (var first = await published.StartAsync(settings))
        {
            await Eventually.TrueAsync(async () => await ShownAsync(first, "total-requests") == 20_000, "the demo data is shown");
            Assert.Equal(240, await ShownAsync(first, "total-users"));
            Assert.True(await ShownAsync(first, "total-revenue") > 10_000);
            Assert.Equal(0, await CountStraysAsync());
            await first.CrashAsync();
        }

        Assert.True(await CanConnectAsync());
        await using (var second = await published.StartAsync(settings))
        {
            Assert.Equal(240, await ShownAsync(second, "total-users"));
            await second.StopAsync();
        }

        Assert.False(await CanConnectAsync());
        await using var third = await published.StartAsync(settings);
        Assert.Equal(20_000, await ShownAsync(third, "total-requests"));
    }

    [Fact]
    public async Task Commands_use_the_sites_own_database_whether_or_not_it_runs_and_the_last_one_stops_it()
    {
        var settings = new Dictionary<string, string> { ["Postgres:DataDirectory"] = _directory, ["Demo:Traffic"] = "false" };
        var (exitCode, output, error) = await published.RunAsync(settings, "seed", "--users", "50", "--logs", "3000", "--purchases", "20");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("Totals were rebuilt", output, StringComparison.Ordinal);
        Assert.False(await CanConnectAsync());

        await using (var site = await published.StartAsync(settings))
        {
            Assert.Equal(3_000, await ShownAsync(site, "total-requests"));
            Assert.Equal(0, (await published.RunAsync(settings, "rollup", "verify")).ExitCode);
            Assert.Equal(0, (await published.RunAsync(settings, "rollup", "rebuild")).ExitCode);
            Assert.Equal(3_000, await ShownAsync(site, "total-requests"));
        }

        Assert.False(await CanConnectAsync());
    }

    [Fact]
    public async Task A_site_that_joined_a_server_keeps_it_when_the_one_that_started_it_ends()
    {
        var starter = await EmbeddedPostgres.StartAsync(_directory, "-c fsync=off", TestContext.Current.CancellationToken);
        var joined = await EmbeddedPostgres.StartAsync(_directory, null, TestContext.Current.CancellationToken);
        await using (var connection = new NpgsqlConnection(joined.ConnectionString + ";Application Name=UsageLogsSite admin;Pooling=false"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await starter.DisposeAsync();
            Assert.True(await CanConnectAsync());
        }

        await joined.DisposeAsync();
        Assert.False(await CanConnectAsync());
    }

    public void Dispose()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    private static async Task<decimal> ShownAsync(RunningApp app, string sum)
    {
        var page = await app.Http.GetStringAsync(new Uri("/usage", UriKind.Relative), TestContext.Current.CancellationToken);
        return decimal.Parse(Regex.Match(page, $"id=\"{sum}\"><data value=\"([^\"]+)\"").Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private async Task<bool> CanConnectAsync()
    {
        try
        {
            await using var connection = await ConnectAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task<long> CountStraysAsync()
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM usage_logs_default", connection);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var uri = new Uri(await File.ReadAllTextAsync(Path.Combine(_directory, "url"), TestContext.Current.CancellationToken));
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port,
            Username = uri.UserInfo.Split(':')[0],
            Password = uri.UserInfo.Split(':')[1],
            Database = "usagelogs",
            Pooling = false,
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }
}
