using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What <c>docs/operations/backup.md</c> says: a dump, restored on another server, is a site.</summary>
public sealed class BackupTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
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
        }
    }

    [Fact]
    public async Task The_commands_of_the_page_take_everything_to_another_server()
    {
        const string Secret = "a secret of the test";
        var (here, there) = (Path.Combine(_directory, "here"), Path.Combine(_directory, "there"));
        await using var from = await EmbeddedPostgres.StartAsync(here, "-c fsync=off", Cancellation);
        await using var to = await EmbeddedPostgres.StartAsync(there, "-c fsync=off", Cancellation);
        try
        {
            await RunAsync("psql", from.ConnectionString, "-c", $"CREATE ROLE owner LOGIN CREATEROLE PASSWORD '{Secret}'", "-c", "CREATE DATABASE usagelogs_of_owner OWNER owner");
            var settings = new Dictionary<string, string> { ["ConnectionStrings:UsageLogs"] = OwnersOf(from.ConnectionString, "usagelogs_of_owner", Secret) };
            Assert.Equal(0, (await published.RunAsync(settings, "seed", "--users", "20", "--logs", "500", "--purchases", "30")).ExitCode);

            var passwords = Path.Combine(_directory, "pgpass");
            await File.WriteAllLinesAsync(passwords, [$"*:*:*:owner:{Secret}", .. new[] { from, to }.Select(server => new NpgsqlConnectionStringBuilder(server.ConnectionString)).Select(s => $"*:{s.Port}:*:{s.Username}:{s.Password}")], Cancellation);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(passwords, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var program = await published.ProgramAsync();
            foreach (var (text, server) in new[] { ("pg_dump", from), ("pg_restore", to) })
            {
                var connection = new NpgsqlConnectionStringBuilder(server.ConnectionString);
                var commands = Repository.ShellCommands("docs/operations/backup.md", text)
                    .Replace("PASSWORD '…'", $"PASSWORD '{Secret}'", StringComparison.Ordinal).Replace("Password=…", $"Password={Secret}", StringComparison.Ordinal)
                    .Replace("host=… dbname=usagelogs ", "host=127.0.0.1 dbname=usagelogs_of_owner ", StringComparison.Ordinal)
                    .Replace("-h other", "-h 127.0.0.1", StringComparison.Ordinal).Replace("Host=other;Database=usagelogs;", $"Host=127.0.0.1;Port={connection.Port};Database=restored;", StringComparison.Ordinal)
                    .Replace("-O owner usagelogs", "-O owner restored", StringComparison.Ordinal).Replace("--dbname=usagelogs", "--dbname=restored", StringComparison.Ordinal)
                    .Replace("UsageLogsSite.dll", program, StringComparison.Ordinal);
                var start = new ProcessStartInfo("bash", ["-euc", commands]) { WorkingDirectory = _directory };
                (start.Environment["PGPASSFILE"], start.Environment["PGUSER"], start.Environment["PGPORT"]) = (passwords, connection.Username, $"{connection.Port}");
                await ProcessRun.OutputAsync(start);
            }

            settings["ConnectionStrings:UsageLogs"] = OwnersOf(to.ConnectionString, "restored", Secret);
            await using var site = await published.StartAsync(settings);
            Assert.Contains("id=\"total-requests\"", await site.Http.GetStringAsync(new Uri("/usage", UriKind.Relative), Cancellation), StringComparison.Ordinal);
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private static string OwnersOf(string connectionString, string database, string password) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Database = database, Username = "owner", Password = password }.ConnectionString;

    private static Task RunAsync(string program, string connectionString, params string[] args) =>
        ProcessRun.OutputAsync(ProcessRun.PostgresClient(program, connectionString, args));
}
