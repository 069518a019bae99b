using Npgsql;
using UsageLogsSite.Hosting;

[assembly: AssemblyFixture(typeof(UsageLogsSite.Tests.Support.PostgresCluster))]

namespace UsageLogsSite.Tests.Support;

/// <summary>One real PostgreSQL for the whole run, with a migrated template that each test copies.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    // Nothing here must survive a crash, so nothing waits for the disk.
    private const string FastAndForgetful =
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=256MB";

    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-tests-{Environment.ProcessId}");
    private EmbeddedPostgres? _server;

    internal string ConnectionString => _server!.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        _server = await EmbeddedPostgres.StartAsync(_directory, FastAndForgetful, TestContext.Current.CancellationToken);
        await ExecuteAsync("CREATE DATABASE template_usage");
        await using var template = new PostgresDatabase(To("template_usage"));
        await template.MigrateAsync();

        // As a site leaves it: no test's site has to make days and hours first.
        await template.ExecuteAsync("UPDATE rollup_state SET time_zone = 'UTC'");
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (_server is not null)
            await _server.DisposeAsync();
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A migrated, empty database of the test's own.</summary>
    internal Task<PostgresDatabase> CreateDatabaseAsync() => CreateAsync("template_usage");

    /// <summary>An empty database without a schema.</summary>
    /// <param name="options">As <c>CREATE DATABASE</c> takes them.</param>
    internal Task<PostgresDatabase> CreateEmptyDatabaseAsync(string options) => CreateAsync($"template0 {options}");

    internal async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<PostgresDatabase> CreateAsync(string template)
    {
        var name = $"t_{Guid.NewGuid():N}";
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template}");
        return new PostgresDatabase(To(name), this);
    }

    private string To(string database) => new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database }.ConnectionString;
}
