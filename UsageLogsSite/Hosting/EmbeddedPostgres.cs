using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>
/// A PostgreSQL server of the site's own, from the binaries on the machine: it listens on loopback only, keeps its data
/// between runs and stops with the last site or command that uses it. What a crash left running is taken over.
/// </summary>
internal sealed class EmbeddedPostgres : IAsyncDisposable
{
    private const string User = "usagelogs";
    private const int PreferredPort = 54329;

    /// <summary>Between finding a port free and listening on it, another may take it.</summary>
    private const int StartAttempts = 3;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(1);

    private readonly PostgresBinaries _binaries;
    private readonly string _directory;
    private readonly string? _initialOptions;

    /// <summary>Held while this process is the one to stop the server; the system frees it even after a crash.</summary>
    private FileStream? _ownership;

    private EmbeddedPostgres(PostgresBinaries binaries, string directory, string? options)
    {
        _binaries = binaries;
        _directory = directory;
        _initialOptions = options;
    }

    /// <summary>How to connect as the database's owner.</summary>
    internal string ConnectionString { get; private set; } = "";

    private string Data => Path.Combine(_directory, "data");

    private string PasswordFile => Path.Combine(_directory, "password");

    /// <summary>A file with the server's address, for psql.</summary>
    private string AddressFile => Path.Combine(_directory, "url");

    private static bool IsRoot => !OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess;

    /// <summary>Starts a server and enters it as <c>ConnectionStrings:UsageLogs</c>, unless a connection string is given.</summary>
    /// <returns>The server, to be disposed after the site has stopped; null if none is needed.</returns>
    /// <exception cref="StartupException">No server was found or it does not start.</exception>
    internal static async Task<EmbeddedPostgres?> StartIfNeededAsync(IConfiguration configuration)
    {
        if (configuration.GetSection("ConnectionStrings").GetChildren().Any(c => !string.IsNullOrWhiteSpace(c.Value)))
            return null;

        var directory = configuration["Postgres:DataDirectory"] is { Length: > 0 } configured ? Path.GetFullPath(configured) : DefaultDirectory();
        var server = await StartAsync(directory, options: null, CancellationToken.None);
        configuration["ConnectionStrings:UsageLogs"] = server.ConnectionString;
        configuration["Demo:Data"] ??= "true";
        configuration["Demo:Traffic"] ??= "true";
        Console.WriteLine($"PostgreSQL {server._binaries.Version} in {directory}: psql \"$(cat {server.AddressFile})\"");
        return server;
    }

    /// <summary>Starts the server of a directory, making it on first use, or joins the one that runs there.</summary>
    /// <param name="directory">Where data, log and password are kept.</param>
    /// <param name="options">Further command line options of the server; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StartupException">No server was found or it does not start.</exception>
    internal static async Task<EmbeddedPostgres> StartAsync(string directory, string? options, CancellationToken cancellation)
    {
        var server = new EmbeddedPostgres(PostgresBinaries.Find(), directory, options);
        try
        {
            await server.StartAsync(cancellation);
            return server;
        }
        catch
        {
            // Whoever tries next must be able to own it.
            if (server._ownership is { } ownership)
                await ownership.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        // Whoever joined may outlive whoever started the server: the last one stops it.
        _ownership ??= TryOwn();
        if (_ownership is null)
            return;
        if (!await IsUsedByOthersAsync())
            await RunAsync("pg_ctl", CancellationToken.None, "-D", Data, "-m", "fast", "-w", "-t", "30", "stop");
        await _ownership.DisposeAsync();
        _ownership = null;
    }

    // Our own connections are closed by now, but their backends may take a moment to notice.
    private async Task<bool> IsUsedByOthersAsync()
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            await using var dataSource = NpgsqlDataSource.Create(ConnectionString);
            await using var command = dataSource.CreateCommand("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %')");
            while (await command.ExecuteScalarAsync() is true)
            {
                if (Stopwatch.GetElapsedTime(start) > LingerTimeout)
                    return true;
                await Task.Delay(TimeSpan.FromMilliseconds(50));
            }
        }
        catch (NpgsqlException)
        {
            // It does not answer: nobody uses it.
        }

        return false;
    }

    private static string DefaultDirectory() => IsRoot
        ? "/var/lib/usage-logs-site"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "UsageLogsSite", "postgres");

    private async Task StartAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(_directory);
        if (IsRoot)
            await MustRunAsync("chown", ["postgres", _directory], asPostgres: false, cancellation);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        _ownership = TryOwn();
        if (_ownership is null)
            await WaitUntilRunningAsync(cancellation);
        else if (!await IsRunningAsync(cancellation))
            await StartOwnAsync(cancellation);

        ConnectionString = await ConnectAsync(cancellation);
    }

    private FileStream? TryOwn()
    {
        try
        {
            return new FileStream(Path.Combine(_directory, "owner.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            // Another running site owns this server: use it, and leave its stopping to that one.
            return null;
        }
    }

    private async Task WaitUntilRunningAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await IsRunningAsync(cancellation))
        {
            if (Stopwatch.GetElapsedTime(start) > StartTimeout)
                throw new StartupException($"Another site owns the PostgreSQL in {_directory}, but it does not start. Its log: {LogFile}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
        }
    }

    private async Task<bool> IsRunningAsync(CancellationToken cancellation) =>
        Directory.Exists(Data) && (await RunAsync("pg_ctl", cancellation, "-D", Data, "status")).ExitCode == 0;

    private string LogFile => Path.Combine(_directory, "server.log");

    private async Task StartOwnAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(Data))
            await InitialiseAsync(cancellation);

        for (var attempt = 1; ; attempt++)
        {
            // A search for a few hundred users reads all totals where the planner takes a disk for one that turns.
            var port = attempt == 1 && LocalPort.IsFree(PreferredPort) ? PreferredPort : LocalPort.Any();
            var options = $"-p {port} -h 127.0.0.1 -k \"\" -c random_page_cost=1.1 {_initialOptions}";
            var (exitCode, output) = await RunAsync("pg_ctl", cancellation, "-D", Data, "-l", LogFile, "-w", "-t", "60", "-o", options, "start");
            if (exitCode == 0)
                return;
            if (attempt == StartAttempts || LocalPort.IsFree(port))
                throw new StartupException($"PostgreSQL in {Data} does not start; its log is {LogFile}.\n{output}");
        }
    }

    // Made beside its place and moved there when whole: a crash in between leaves nothing half made.
    private async Task InitialiseAsync(CancellationToken cancellation)
    {
        Console.WriteLine($"Preparing a PostgreSQL database in {_directory} (first start only) …");
        var unfinished = Data + ".new";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        await File.WriteAllTextAsync(PasswordFile, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), cancellation);
        var arguments = new[]
        {
            "-D", unfinished, "-U", User, "--pwfile", PasswordFile, "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-instructions",
        };
        await MustRunAsync(_binaries["initdb"], arguments, asPostgres: true, cancellation);
        Directory.Move(unfinished, Data);
    }

    // A server that another site has just started, or that recovers from a crash, refuses connections for a while.
    private async Task<string> ConnectAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ConnectOnceAsync(cancellation);
            }
            catch (Exception e) when (e is NpgsqlException or IndexOutOfRangeException or FileNotFoundException)
            {
                if (Stopwatch.GetElapsedTime(start) > StartTimeout)
                    throw new StartupException($"PostgreSQL in {Data} runs but cannot be used: {e.Message} Its log: {LogFile}", e);
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
            }
        }
    }

    private async Task<string> ConnectOnceAsync(CancellationToken cancellation)
    {
        // Line 4 of postmaster.pid is the port (PostgreSQL source, src/include/utils/pidfile.h).
        var pidFile = await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid"), cancellation);
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = int.Parse(pidFile[3], CultureInfo.InvariantCulture),
            Username = User,
            Password = await File.ReadAllTextAsync(PasswordFile, cancellation),
            Database = "postgres",
            Timeout = 30,
        };
        await using (var dataSource = NpgsqlDataSource.Create(settings))
        {
            await using var exists = dataSource.CreateCommand("SELECT 1 FROM pg_database WHERE datname = 'usagelogs'");
            if (await exists.ExecuteScalarAsync(cancellation) is null)
            {
                await using var create = dataSource.CreateCommand("CREATE DATABASE usagelogs");
                try
                {
                    await create.ExecuteNonQueryAsync(cancellation);
                }
                catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
                {
                    // Another site that started at the same moment made it.
                }
            }
        }

        await File.WriteAllTextAsync(AddressFile, $"postgresql://{User}:{settings.Password}@{settings.Host}:{settings.Port}/usagelogs", cancellation);
        settings.Database = "usagelogs";
        return settings.ConnectionString;
    }

    private Task<(int ExitCode, string Output)> RunAsync(string program, CancellationToken cancellation, params string[] arguments) =>
        RunAsync(_binaries[program], arguments, asPostgres: true, cancellation);

    private async Task MustRunAsync(string program, string[] arguments, bool asPostgres, CancellationToken cancellation)
    {
        var (exitCode, output) = await RunAsync(program, arguments, asPostgres, cancellation);
        if (exitCode != 0)
            throw new StartupException($"'{program} {string.Join(' ', arguments)}' failed with exit code {exitCode}.\n{output}");
    }

    // The server refuses to run as root; then the postgres user, which its package makes, runs it.
    private async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, bool asPostgres, CancellationToken cancellation)
    {
        var command = asPostgres && IsRoot ? ["runuser", "-u", "postgres", "--", program, .. arguments] : (string[])[program, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = _directory };

        // pg_ctl hands its outputs on to the server, which would keep a pipe open for ever: files instead.
        var output = Path.Combine(_directory, $"command-{Environment.ProcessId}-{Guid.NewGuid():N}.out");
        if (!OperatingSystem.IsWindows())
            start = new ProcessStartInfo("/bin/sh", ["-c", "\"$@\" > \"$0\" 2>&1", output, .. command]) { WorkingDirectory = _directory };

        try
        {
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, File.Exists(output) ? await File.ReadAllTextAsync(output, cancellation) : "");
        }
        finally
        {
            File.Delete(output);
        }
    }
}
