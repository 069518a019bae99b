using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>A PostgreSQL of the run's own, gone with it, and its meters.</summary>
internal sealed class Database : IAsyncDisposable
{
    // A write waits for the disk as in life; statements are counted.
    private const string Options = "-c shared_preload_libraries=pg_stat_statements -c max_connections=300 -c shared_buffers=512MB -c max_wal_size=4GB";

    private static readonly double TickSeconds = 1.0 / 100; // USER_HZ of proc(5), 100 on every Linux that .NET runs on

    private readonly string _directory;
    private readonly EmbeddedPostgres _server;
    private readonly NpgsqlDataSource _dataSource;

    private Database(string directory, EmbeddedPostgres server)
    {
        _directory = directory;
        _server = server;
        _dataSource = NpgsqlDataSource.Create(server.ConnectionString);
    }

    /// <summary>How sites connect.</summary>
    internal string ConnectionString => _server.ConnectionString;

    /// <summary>Connections of the writers.</summary>
    internal NpgsqlDataSource DataSource => _dataSource;

    /// <summary>Starts a server with our schema and these many external users, each with a log.</summary>
    internal static async Task<Database> StartAsync(int users, CancellationToken cancellation)
    {
        var directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-benchmarks-{Environment.ProcessId}");
        var database = new Database(directory, await EmbeddedPostgres.StartAsync(directory, Options, cancellation));
        await using (var context = UsageDatabase.CreateContext(database._dataSource))
            await context.Database.MigrateAsync(cancellation);
        await database.ExecuteAsync("CREATE EXTENSION pg_stat_statements", cancellation);
        await database.ExecuteAsync(
            """
            WITH added AS (
                INSERT INTO users (email, name, user_type)
                SELECT format('user%s@example.test', i), 'User ' || i, CASE WHEN i % 10 = 0 THEN 'internal' ELSE 'external' END
                FROM generate_series(1, $1) i RETURNING id)
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd)
            SELECT id, 'sage-3', 100, 50, 1.5, 0.0025 FROM added
            """,
            cancellation,
            users);

        // As a database that has been running: without it, the first variant would be measured on the planner's guesses.
        await database.ExecuteAsync("ANALYZE", cancellation);
        return database;
    }

    /// <summary>One row as a writer's own transaction; returns when it is committed.</summary>
    internal Task AddLogAsync(CancellationToken cancellation) => ExecuteAsync(
        """
        INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd)
        SELECT id, 'sage-3', 100, 50, 1.5, 0.0025 FROM users WHERE name = 'User 1'
        """,
        cancellation);

    /// <summary>How many requests the page's sums show once everything is folded.</summary>
    internal async Task<long> LogsAsync(CancellationToken cancellation)
    {
        await using var command = _dataSource.CreateCommand("SELECT count(*) FROM usage_logs l JOIN users u ON u.id = l.user_id AND u.user_type = 'external'");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>How many times pages and filter sets have asked so far.</summary>
    internal async Task<long> QueriesAsync(CancellationToken cancellation)
    {
        // The fold begins with WITH, election and listening name no totals.
        await using var command = _dataSource.CreateCommand(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE query ILIKE 'SELECT%usage_totals%' AND query NOT ILIKE '%pg_stat_statements%'");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Processor time of the server with all its processes, living and ended.</summary>
    internal TimeSpan Cpu()
    {
        var postmaster = int.Parse(File.ReadLines(Path.Combine(_directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        var ticks = Directory.EnumerateDirectories("/proc").Select(d => Path.GetFileName(d)).Where(d => d.All(char.IsAsciiDigit))
            .Sum(pid => TicksOf(int.Parse(pid, CultureInfo.InvariantCulture), postmaster));
        return TimeSpan.FromSeconds(ticks * TickSeconds);
    }

    internal async Task ExecuteAsync(string sql, CancellationToken cancellation, params object[] parameters)
    {
        await using var command = _dataSource.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _dataSource.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

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
