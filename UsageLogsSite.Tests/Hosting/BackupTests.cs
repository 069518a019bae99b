using System.Diagnostics;
using System.Globalization;
using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What <c>docs/operations/backup.md</c> says: a dump, restored on another server, is a site.</summary>
public sealed class BackupTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-restored-{Guid.NewGuid():N}");

    [Fact]
    public async Task A_dump_is_restored_on_another_server_exactly_with_what_was_not_folded_yet()
    {
        await Database.AddUsersAsync(30);
        await using (var site = await Site.StartAsync(Database))
            await site.FoldedAsync();
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT id, 'm', 0.1 FROM users; DELETE FROM usage_logs WHERE id IN (SELECT id FROM usage_logs LIMIT 5); UPDATE users SET user_type = 'internal'");
        var pending = await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas");
        Assert.NotEqual(0, pending);

        var other = await EmbeddedPostgres.StartAsync(_directory, "-c fsync=off", Cancellation);
        try
        {
            var dump = Path.Combine(_directory, "usage.dump");
            await RunAsync("pg_dump", Database.ConnectionString, "--format=custom", "--enable-row-security", $"--file={dump}");
            await RunAsync("psql", other.ConnectionString, [.. RuntimeConnection.Roles.Values.Append("usage_writer").SelectMany(role => new[] { "-c", $"CREATE ROLE {role} NOLOGIN" }), "-c", "CREATE DATABASE restored"]);
            var to = new NpgsqlConnectionStringBuilder(other.ConnectionString) { Database = "restored" }.ConnectionString;
            await RunAsync("pg_restore", to, "--exit-on-error", dump);

            await using var restored = new PostgresDatabase(to);
            Assert.Equal(pending, await restored.ScalarAsync<long>("SELECT count(*) FROM usage_deltas"));
            var verified = await CommandRun.RunAsync("rollup", "verify", $"--ConnectionStrings:UsageLogs={to}");
            Assert.Equal((CommandLine.Done, ""), (verified.ExitCode, verified.Error));
            await using var site = await Site.StartAsync(restored);
            await restored.AddLogAsync(await restored.AddUserAsync("After"));
            await site.FoldedAsync();
            await Totals.AssertExactAsync(restored);
            Assert.Empty(site.Logs.Errors);
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await other.DisposeAsync();
            Directory.Delete(_directory, recursive: true);
        }
    }

    private static async Task RunAsync(string program, string connectionString, params string[] args)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(program, ["-h", settings.Host!, "-p", settings.Port.ToString(CultureInfo.InvariantCulture), "-U", settings.Username!, "-d", settings.Database!, .. args]);
        start.Environment["PGPASSWORD"] = settings.Password;
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(0, process.ExitCode);
    }
}
