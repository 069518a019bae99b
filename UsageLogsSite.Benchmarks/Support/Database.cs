using Npgsql;
using UsageLogsSite.Ingest;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>A PostgreSQL of the run's own, gone with it, and its meters.</summary>
internal sealed class Database : IAsyncDisposable
{
    private const string Options = $"{Cluster.Tuned} -c shared_preload_libraries=pg_stat_statements"; // statements are counted

    private readonly Cluster _cluster;
    private readonly NpgsqlDataSource _dataSource;

    private Database(Cluster cluster)
    {
        _cluster = cluster;
        _dataSource = NpgsqlDataSource.Create(cluster.ConnectionString);
    }

    /// <summary>How sites connect.</summary>
    internal string ConnectionString => _cluster.ConnectionString;

    /// <summary>Connections of the writers.</summary>
    internal NpgsqlDataSource DataSource => _dataSource;

    /// <summary>Starts a server with our schema and these many external users, each with a log.</summary>
    internal static async Task<Database> StartAsync(int users, CancellationToken cancellation)
    {
        var database = new Database(await Cluster.StartAsync(Options, kept: null, cancellation));
        await Cluster.MigrateAsync(database.ConnectionString, cancellation);
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

    /// <summary>Makes an API key that may write everything.</summary>
    internal async Task<string> AddKeyAsync(CancellationToken cancellation)
    {
        var (key, hash) = ApiKeys.Create();
        await ExecuteAsync("INSERT INTO api_keys (name, source, key_hash, scopes) VALUES ('benchmark', 'benchmark', $1, $2)", cancellation, hash, RowKind.Scopes);
        return key;
    }

    /// <summary>The users' ids.</summary>
    /// <param name="type">Those of one type; null for all.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<IReadOnlyList<Guid>> UsersAsync(string? type, CancellationToken cancellation)
    {
        await using var command = _dataSource.CreateCommand("SELECT array_agg(id) FROM users WHERE $1 IS NULL OR user_type = $1");
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = type });
        return (Guid[])(await command.ExecuteScalarAsync(cancellation))!;
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
    internal TimeSpan Cpu() => _cluster.Cpu();

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
        await _cluster.DisposeAsync();
    }
}
