using Npgsql;
using NpgsqlTypes;

namespace UsageLogsSite.Data;

/// <summary>Loads rows by binary COPY, the fastest way into PostgreSQL. Each call is one statement: all of its rows or none.</summary>
public static class BulkLoad
{
    /// <summary>Loads users.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="users">The users; an id is made where none is given.</param>
    /// <param name="cancellation">Gives up; nothing is loaded then.</param>
    /// <exception cref="PostgresException">A row breaks a rule of the table, such as a second use of an id.</exception>
    public static Task CopyAsync(this NpgsqlConnection connection, IEnumerable<User> users, CancellationToken cancellation) =>
        CopyAsync(connection, "users", "(id, email, name, user_type, created_at)", users, async (import, user) =>
        {
            await import.WriteAsync(IdOf(user.Id), NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(user.Email, NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(user.Name, NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(user.UserType == UserType.Internal ? "internal" : "external", NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(user.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
        }, cancellation);

    /// <summary>Loads usage logs.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="logs">The logs; an id is made where none is given.</param>
    /// <param name="cancellation">Gives up; nothing is loaded then.</param>
    /// <exception cref="PostgresException">A row breaks a rule of the table, such as a second use of an id.</exception>
    public static Task CopyAsync(this NpgsqlConnection connection, IEnumerable<UsageLog> logs, CancellationToken cancellation) =>
        CopyAsync(connection, "usage_logs", "(id, user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, status, created_at)", logs, async (import, log) =>
        {
            await import.WriteAsync(IdOf(log.Id), NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(log.UserId, NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(log.Model, NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(log.PromptTokens, NpgsqlDbType.Integer, cancellation);
            await import.WriteAsync(log.CompletionTokens, NpgsqlDbType.Integer, cancellation);
            await import.WriteAsync(log.Credits, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(log.CostUsd, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(log.Status == UsageLogStatus.Succeeded ? "succeeded" : "failed", NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(log.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
        }, cancellation);

    /// <summary>Loads purchases.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="purchases">The purchases; an id is made where none is given.</param>
    /// <param name="cancellation">Gives up; nothing is loaded then.</param>
    /// <exception cref="PostgresException">A row breaks a rule of the table, such as a second use of an id.</exception>
    public static Task CopyAsync(this NpgsqlConnection connection, IEnumerable<CreditPurchase> purchases, CancellationToken cancellation) =>
        CopyAsync(connection, "credit_purchases", "(id, user_id, amount_usd, credits, status, created_at)", purchases, async (import, purchase) =>
        {
            await import.WriteAsync(IdOf(purchase.Id), NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(purchase.UserId, NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(purchase.AmountUsd, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(purchase.Credits, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(purchase.Status.ToString().ToLowerInvariant(), NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(purchase.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
        }, cancellation);

    private static async Task CopyAsync<TRow>(
        NpgsqlConnection connection, string table, string columns, IEnumerable<TRow> rows, Func<NpgsqlBinaryImporter, TRow, ValueTask> writeAsync,
        CancellationToken cancellation)
    {
        // PostgreSQL copies into no table whose row-level security applies, as it does to every owner but a superuser.
        await using var ask = new NpgsqlCommand($"SELECT row_security_active('{table}')", connection);
        if (await ask.ExecuteScalarAsync(cancellation) is false)
        {
            await CopyIntoAsync(connection, $"{table} {columns}", rows, writeAsync, cancellation);
            return;
        }

        var names = columns.Trim('(', ')');
        var staged = $"pg_temp.staged_{Guid.NewGuid():N}";
        await ExecuteAsync(connection, $"CREATE TABLE {staged} AS SELECT {names} FROM {table} WHERE false", cancellation);
        await CopyIntoAsync(connection, $"{staged} {columns}", rows, writeAsync, cancellation);
        await ExecuteAsync(connection, $"INSERT INTO {table} {columns} SELECT {names} FROM {staged}", cancellation);
        await ExecuteAsync(connection, $"DROP TABLE {staged}", cancellation);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task CopyIntoAsync<TRow>(
        NpgsqlConnection connection, string target, IEnumerable<TRow> rows, Func<NpgsqlBinaryImporter, TRow, ValueTask> writeAsync, CancellationToken cancellation)
    {
        await using var import = await connection.BeginBinaryImportAsync($"COPY {target} FROM STDIN (FORMAT binary)", cancellation);
        import.Timeout = TimeSpan.Zero;
        foreach (var row in rows)
        {
            await import.StartRowAsync(cancellation);
            await writeAsync(import, row);
        }

        await import.CompleteAsync(cancellation);
    }

    private static Guid IdOf(Guid given) => given == Guid.Empty ? Guid.NewGuid() : given;
}
