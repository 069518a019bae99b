using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Tests.Support;

/// <summary>A test's own database, written the way an operator's application writes: plain SQL.</summary>
internal sealed class PostgresDatabase(string connectionString, PostgresCluster? cluster = null) : IAsyncDisposable
{
    private readonly string _name = new NpgsqlConnectionStringBuilder(connectionString).Database!;

    // A test may write a million rows in one statement.
    private readonly NpgsqlDataSource _dataSource = new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 180 }.ConnectionString)
        .ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();

    internal string ConnectionString => connectionString;

    /// <summary>The logins that sites make for themselves on this database: they belong to the server, and would stay on it.</summary>
    private string Logins => string.Join(", ", RuntimeConnection.Roles.Values.Select(role => RuntimeLogins.NameOf(role, _name)));

    internal NpgsqlDataSource DataSource => _dataSource;

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _dataSource.DisposeAsync();
        if (cluster is null)
            return;
        await cluster.ExecuteAsync($"DROP DATABASE {_name} WITH (FORCE)");
        await cluster.ExecuteAsync($"DROP ROLE IF EXISTS {Logins}");
    }

    /// <summary>Makes the schema, in a database that has none.</summary>
    internal async Task MigrateAsync()
    {
        await using var context = UsageDatabase.CreateContext(_dataSource);
        await context.Database.MigrateAsync(Cancellation);
    }

    internal async Task<int> ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(Cancellation);
    }

    internal async Task<T> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return (T)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    /// <summary>All rows of a query as text, for comparing with an oracle.</summary>
    internal async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Command(sql, []);
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancellation))
            rows.Add(string.Join("|", Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        return rows;
    }

    internal Task<Guid> AddUserAsync(string name, string type = "external") => ScalarAsync<Guid>(
        "INSERT INTO users (email, name, user_type) VALUES ($1, $2, $3) RETURNING id",
        $"{Guid.NewGuid():N}@example.test", name, type);

    internal Task<Guid> AddLogAsync(Guid user, decimal cost = 0.01m, DateTime? at = null) => ScalarAsync<Guid>(
        "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at) VALUES ($1, 'm', 10, 20, 1.5, $2, $3) RETURNING id",
        user, cost, at ?? DateTime.UtcNow);

    internal Task<Guid> AddPurchaseAsync(Guid user, decimal amount, string status) => ScalarAsync<Guid>(
        "INSERT INTO credit_purchases (user_id, amount_usd, credits, status) VALUES ($1, $2, $2 * 100, $3) RETURNING id",
        user, amount, status);

    /// <summary>Many users named <c>User 001</c> and so on, each with one log, the first one the newest.</summary>
    internal Task<int> AddUsersAsync(int count, string type = "external") => ExecuteAsync(
        """
        WITH added AS (
            INSERT INTO users (email, name, user_type)
            SELECT format('%s-%s@example.test', $2, i), 'User ' || lpad(i::text, 3, '0'), $2 FROM generate_series(1, $1) i
            RETURNING id, name)
        INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at)
        SELECT id, 'm', 1, 2, 0.5, 0.25, now() - right(name, 3)::int * interval '1 minute' FROM added
        """,
        count, type);

    /// <summary>Cuts everybody off from this database and lets nobody in.</summary>
    internal Task ShutAsync() => cluster!.ExecuteAsync(
        $"ALTER DATABASE {_name} ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name}'");

    /// <summary>Lets everybody in again.</summary>
    internal async Task OpenAsync()
    {
        await cluster!.ExecuteAsync($"ALTER DATABASE {_name} ALLOW_CONNECTIONS true");
        _dataSource.Clear();
    }

    /// <summary>Lets everybody read and, but for those who are connected from elsewhere already, nobody write.</summary>
    internal Task MakeReadOnlyAsync() => cluster!.ExecuteAsync(
        $"ALTER DATABASE {_name} SET default_transaction_read_only = on; " +
        $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name}' AND application_name LIKE 'UsageLogsSite %'");

    /// <summary>Lets everybody write again.</summary>
    internal Task MakeWritableAsync() => cluster!.ExecuteAsync($"ALTER DATABASE {_name} RESET default_transaction_read_only");

    /// <summary>Runs psql in a process of its own: a writer that knows nothing of this site.</summary>
    internal Task PsqlAsync(string sql) =>
        ProcessRun.OutputAsync(ProcessRun.PostgresClient("psql", connectionString, "-v", "ON_ERROR_STOP=1", "-q", "-c", sql));

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = _dataSource.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        return command;
    }
}
