using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Tests.Support;

/// <summary>Two PostgreSQL servers of a test's own: a primary, and a standby that streams from it.</summary>
public sealed class ReplicatedPostgres : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-replicas-{Guid.NewGuid():N}");
    private readonly PostgresBinaries _binaries = PostgresBinaries.Find();
    private readonly int _standbyPort = LocalPort.Any();
    private EmbeddedPostgres _primary = null!;
    private NpgsqlConnectionStringBuilder _owner = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string PrimaryData => Path.Combine(_directory, "primary", "data");

    private string StandbyData => Path.Combine(_directory, "standby", "data");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        _primary = await EmbeddedPostgres.StartAsync(Path.Combine(_directory, "primary"), "-c fsync=off -c full_page_writes=off", Cancellation);
        _owner = new(_primary.ConnectionString);
        await ExecuteAsync(OfPrimary("usagelogs"), "CREATE DATABASE template_usage");
        await using (var template = new PostgresDatabase(OfPrimary("template_usage")))
        {
            await template.MigrateAsync();
            await template.ExecuteAsync("UPDATE rollup_state SET time_zone = 'UTC'");
        }

        NpgsqlConnection.ClearAllPools();
        Directory.CreateDirectory(Path.GetDirectoryName(StandbyData)!);
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", "postgres", Path.GetDirectoryName(StandbyData)!);
        await AsPostgresAsync(
            "pg_basebackup", "-D", StandbyData, "-R", "-X", "stream", "-c", "fast",
            "-d", $"host={_owner.Host} port={_owner.Port} user={_owner.Username} password={_owner.Password} application_name=standby");
        await StartStandbyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await TryStopAsync(StandbyData);
        await TryStopAsync(PrimaryData);
        await _primary.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A migrated, empty database on both servers, as the primary has it.</summary>
    internal async Task<PostgresDatabase> CreateDatabaseAsync()
    {
        var name = $"t_{Guid.NewGuid():N}";
        await ExecuteAsync(OfPrimary("usagelogs"), $"CREATE DATABASE {name} TEMPLATE template_usage");
        return new PostgresDatabase(OfPrimary(name));
    }

    /// <summary>The same database, as the standby has it.</summary>
    internal PostgresDatabase OfStandby(PostgresDatabase database) =>
        new(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = _standbyPort }.ConnectionString);

    /// <summary>What a site is given that knows both.</summary>
    /// <param name="database">On either server.</param>
    /// <param name="primaryFirst">Which of the two stands first in the list.</param>
    /// <param name="standby">Where the site finds the standby; null for where it is.</param>
    internal Dictionary<string, string> SettingsOf(PostgresDatabase database, bool primaryFirst = false, FaultProxy? standby = null)
    {
        var standbyPort = standby?.Port ?? _standbyPort;
        int[] ports = primaryFirst ? [_owner.Port, standbyPort] : [standbyPort, _owner.Port];
        var hosts = string.Join(',', ports.Select(port => $"127.0.0.1:{port}"));
        return new() { ["ConnectionStrings:UsageLogs"] = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Host = hosts }.ConnectionString };
    }

    /// <summary>A network on the way to the standby.</summary>
    internal FaultProxy ProxyOfStandby() => new("127.0.0.1", _standbyPort);

    /// <summary>Changes a setting of the standby, and waits until new sessions have it.</summary>
    internal async Task SetOnStandbyAsync(string name, string value)
    {
        await using var standby = new PostgresDatabase(new NpgsqlConnectionStringBuilder(OfPrimary("usagelogs")) { Port = _standbyPort }.ConnectionString);
        await standby.ExecuteAsync($"ALTER SYSTEM SET {name} = {value}");
        await standby.ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.TrueAsync(async () => await standby.ScalarAsync<string>($"SHOW {name}") == value, "the standby has read its settings");
    }

    /// <summary>What the primary has written to its log.</summary>
    internal async Task<string> PrimaryLogAsync()
    {
        await using var log = new FileStream(Path.Combine(_directory, "primary", "server.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(log);
        return await reader.ReadToEndAsync(Cancellation);
    }

    /// <summary>The standby replays nothing any more, or goes on.</summary>
    internal Task PauseAsync(bool pause) =>
        ExecuteAsync(new NpgsqlConnectionStringBuilder(OfPrimary("usagelogs")) { Port = _standbyPort }.ConnectionString, $"SELECT pg_wal_replay_{(pause ? "pause" : "resume")}()");

    internal Task StartStandbyAsync() => StartAsync("standby", _standbyPort, "-c random_page_cost=1.1");

    /// <summary>Starts the primary again where it was, knowing nothing of what happened since.</summary>
    internal Task StartOldPrimaryAsync() => StartAsync("primary", _owner.Port);

    internal Task KillStandbyAsync() => KillAsync(StandbyData);

    internal Task KillPrimaryAsync() => KillAsync(PrimaryData);

    internal Task PromoteAsync() => AsPostgresAsync("pg_ctl", "-D", StandbyData, "-w", "-t", "60", "promote");

    internal static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private string OfPrimary(string database) => new NpgsqlConnectionStringBuilder(_owner.ConnectionString) { Database = database }.ConnectionString;

    // As a crash does: the backends end as soon as they notice.
    private static async Task KillAsync(string data)
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(data, "postmaster.pid"), Cancellation))[0];
        await RunAsync("kill", "-9", postmaster);
    }

    private async Task TryStopAsync(string data)
    {
        if (Directory.Exists(data) && File.Exists(Path.Combine(data, "postmaster.pid")))
            await RunToEndAsync(Command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"));
    }

    // A killed server cannot start again before its last backend has noticed.
    private async Task StartAsync(string server, int port, string settings = "")
    {
        var (data, log) = (Path.Combine(_directory, server, "data"), Path.Combine(_directory, server, "server.log"));
        var command = Command("pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", $"-p {port} -h 127.0.0.1 -k \"\" -c fsync=off {settings}", "start");
        await Eventually.TrueAsync(async () => await RunToEndAsync(command) == 0, () => $"the {server} has started: {string.Join('\n', File.ReadLines(log).TakeLast(5))}");
    }

    private Task AsPostgresAsync(string program, params string[] arguments) => RunAsync(Command(program, arguments));

    // pg_basebackup is one of the clients' programs, and may be elsewhere.
    private string[] Command(string program, params string[] arguments)
    {
        string[] command = [File.Exists(_binaries[program]) ? _binaries[program] : program, .. arguments];
        return Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", .. command] : command;
    }

    private static async Task RunAsync(params string[] command) =>
        Assert.True(await RunToEndAsync(command) == 0, $"'{string.Join(' ', command)}' failed.");

    // Outputs are not read: a server that was started would keep them open.
    private static async Task<int> RunToEndAsync(string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "\"$@\" > /dev/null 2>&1", "sh", .. command]) { WorkingDirectory = "/" })!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}
