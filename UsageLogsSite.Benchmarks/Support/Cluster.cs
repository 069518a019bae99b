using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>A PostgreSQL server of the run's own with several databases, gone with it unless it is to be kept.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>As on a server in production: a commit waits for the disk.</summary>
    internal const string Tuned = "-c max_connections=300 -c shared_buffers=512MB -c max_wal_size=4GB";

    /// <summary>PostgreSQL as it comes.</summary>
    internal const string Stock = "-c max_connections=300";

    private static readonly double TickSeconds = 1.0 / 100; // USER_HZ of proc(5), 100 on every Linux that .NET runs on

    private readonly string _directory;
    private readonly bool _isKept;
    private readonly EmbeddedPostgres _server;

    private Cluster(string directory, bool isKept, EmbeddedPostgres server)
    {
        _directory = directory;
        _isKept = isKept;
        _server = server;
    }

    /// <summary>How to connect to the server's first database.</summary>
    internal string ConnectionString => _server.ConnectionString;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its command line options.</param>
    /// <param name="kept">A directory that outlives the run; null for one that does not.</param>
    /// <param name="cancellation">Gives up.</param>
    internal static async Task<Cluster> StartAsync(string options, string? kept, CancellationToken cancellation)
    {
        var directory = kept is null ? Path.Combine(Path.GetTempPath(), $"usage-logs-site-benchmarks-{Environment.ProcessId}") : Path.GetFullPath(kept);
        return new Cluster(directory, kept is not null, await EmbeddedPostgres.StartAsync(directory, options, cancellation));
    }

    /// <summary>How to connect to a database of this name.</summary>
    internal string To(string database) => new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database }.ConnectionString;

    /// <summary>Makes an empty database with our schema.</summary>
    internal async Task<string> CreateAsync(string name, CancellationToken cancellation)
    {
        await ExecuteAsync(ConnectionString, $"CREATE DATABASE {name}", cancellation);
        await MigrateAsync(To(name), cancellation);
        return To(name);
    }

    /// <summary>Whether there is a database of this name.</summary>
    internal async Task<bool> HasAsync(string name, CancellationToken cancellation) =>
        await ReadAsync<bool>(ConnectionString, $"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')", cancellation);

    /// <summary>Brings a database's schema up to date.</summary>
    internal static async Task MigrateAsync(string connectionString, CancellationToken cancellation)
    {
        await using var dataSource = Unpooled(connectionString);
        await using var context = UsageDatabase.CreateContext(dataSource);
        await context.Database.MigrateAsync(cancellation);
    }

    /// <summary>Runs statements, however long they take.</summary>
    internal static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellation)
    {
        await using var dataSource = Unpooled(connectionString);
        await using var command = dataSource.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Asks for one value, however long that takes.</summary>
    internal static async Task<T> ReadAsync<T>(string connectionString, string sql, CancellationToken cancellation)
    {
        await using var dataSource = Unpooled(connectionString);
        await using var command = dataSource.CreateCommand(sql);
        command.CommandTimeout = 0;
        return (T)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Processor time of the server with all its processes, living and ended.</summary>
    internal TimeSpan Cpu()
    {
        var postmaster = int.Parse(File.ReadLines(Path.Combine(_directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        var ticks = Directory.EnumerateDirectories("/proc").Select(d => Path.GetFileName(d)).Where(d => d.All(char.IsAsciiDigit))
            .Sum(pid => TicksOf(int.Parse(pid, CultureInfo.InvariantCulture), postmaster));
        return TimeSpan.FromSeconds(ticks * TickSeconds);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        if (!_isKept)
            Directory.Delete(_directory, recursive: true);
    }

    private static NpgsqlDataSource Unpooled(string connectionString) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false });

    private static long TicksOf(int pid, int postmaster)
    {
        try
        {
            // proc(5): after the name in parentheses, field 4 is the parent, 14 and 15 user and system time, 16 and 17 those of ended children.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
            if (pid == postmaster)
                return Field(14) + Field(15) + Field(16) + Field(17);
            return Field(4) == postmaster ? Field(14) + Field(15) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Ended between the listing and the look: its time is with the postmaster's ended children.
            return 0;
        }
    }
}
