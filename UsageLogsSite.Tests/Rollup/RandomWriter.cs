using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

/// <summary>An application that does anything at all to the tables: transactions, savepoints, rollbacks, COPY, TRUNCATE.</summary>
internal sealed class RandomWriter(PostgresDatabase database, int seed)
{
    private const string AnyLog = "(SELECT id FROM usage_logs ORDER BY random() LIMIT 1)";
    private const string AnyPurchase = "(SELECT id FROM credit_purchases ORDER BY random() LIMIT 1)";

    private readonly Random _random = new(seed);

    private string AnyUser => _random.Next(100) < HotPercent ? "(SELECT id FROM users ORDER BY id LIMIT 1)" : "(SELECT id FROM users ORDER BY random() LIMIT 1)";

    /// <summary>Whether it leaves whole tables alone, and users, whom others may be about to use.</summary>
    internal bool IsGentle { get; init; }

    /// <summary>How often, of a hundred times, it takes the same user as all other writers.</summary>
    internal int HotPercent { get; init; }

    internal Task RunAsync(int operations) => RunAsync(operations, CancellationToken.None);

    internal Task RunUntilAsync(CancellationToken stopped) => RunAsync(int.MaxValue, stopped);

    private async Task RunAsync(int operations, CancellationToken stopped)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(PostgresDatabase.Cancellation);
        while (operations > 0 && !stopped.IsCancellationRequested)
        {
            var size = _random.Next(1, 6);
            operations -= size;
            try
            {
                await TransactAsync(connection, size);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.ForeignKeyViolation
                or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure)
            {
                // The writers' own quarrels: their transaction is gone as a whole, and must leave no trace in the totals. The last is
                // PostgreSQL's answer to who changes a row that another writer has just moved to another month.
            }
        }
    }

    private async Task TransactAsync(NpgsqlConnection connection, int size)
    {
        await using var transaction = await connection.BeginTransactionAsync(PostgresDatabase.Cancellation);
        for (var i = 0; i < size; i++)
        {
            await ExecuteAsync(connection, "SAVEPOINT here");
            await OperateAsync(connection);
            if (_random.Next(8) == 0)
                await ExecuteAsync(connection, "ROLLBACK TO SAVEPOINT here");
        }

        if (_random.Next(6) == 0)
            await transaction.RollbackAsync(PostgresDatabase.Cancellation);
        else
            await transaction.CommitAsync(PostgresDatabase.Cancellation);
    }

    private Task OperateAsync(NpgsqlConnection connection)
    {
        var n = _random.Next(1, 6);
        var money = $"{_random.Next(0, 1_000_000)}.{_random.NextInt64(0, 10_000_000_000):D10}";
        var days = _random.Next(0, 90);
        string[] statuses = ["pending", "completed", "failed", "refunded"];
        var status = statuses[_random.Next(statuses.Length)];
        return _random.Next(100) switch
        {
            < 30 => ExecuteAsync(connection, $"INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at) SELECT {AnyUser}, 'm', {n * 7}, {n}.25, {money}, now() - interval '{days} days' FROM generate_series(1, {n})"),
            < 37 => CopyAsync(connection, n * 5),
            < 47 => ExecuteAsync(connection, $"UPDATE usage_logs SET cost_usd = {money}, completion_tokens = {n} WHERE id = {AnyLog}"),
            < 53 => ExecuteAsync(connection, $"UPDATE usage_logs SET user_id = {AnyUser} WHERE id = {AnyLog}"),
            < 57 => ExecuteAsync(connection, $"UPDATE usage_logs SET created_at = now() - interval '{days} days' WHERE id = {AnyLog}"),
            < 67 => ExecuteAsync(connection, $"DELETE FROM usage_logs WHERE id = {AnyLog}"),
            < 79 => ExecuteAsync(connection, $"INSERT INTO credit_purchases (user_id, amount_usd, credits, status) VALUES ({AnyUser}, {money}, {n}, '{status}')"),
            < 88 => ExecuteAsync(connection, $"UPDATE credit_purchases SET status = '{status}' WHERE id = {AnyPurchase}"),
            < 92 => ExecuteAsync(connection, $"DELETE FROM credit_purchases WHERE id = {AnyPurchase}"),
            < 95 => ExecuteAsync(connection, $"INSERT INTO users (email, name) VALUES (gen_random_uuid() || '@example.test', 'Random')"),
            < 97 => ExecuteAsync(connection, $"UPDATE users SET user_type = CASE user_type WHEN 'internal' THEN 'external' ELSE 'internal' END WHERE id = {AnyUser}"),
            < 99 when !IsGentle => ExecuteAsync(connection, "DELETE FROM users u WHERE id = (SELECT id FROM users u WHERE NOT EXISTS (SELECT FROM usage_logs l WHERE l.user_id = u.id) AND NOT EXISTS (SELECT FROM credit_purchases p WHERE p.user_id = u.id) LIMIT 1)"),
            99 when !IsGentle => ExecuteAsync(connection, _random.Next(3) == 0 ? "TRUNCATE usage_logs" : "UPDATE usage_logs SET credits = credits + 1"),
            _ => ExecuteAsync(connection, $"UPDATE usage_logs SET credits = credits + 1 WHERE id = {AnyLog}"),
        };
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(PostgresDatabase.Cancellation);
    }

    private async Task CopyAsync(NpgsqlConnection connection, int rows)
    {
        await using var any = new NpgsqlCommand($"SELECT {AnyUser}", connection);
        var user = (Guid)(await any.ExecuteScalarAsync(PostgresDatabase.Cancellation))!;
        await using var import = await connection.BeginBinaryImportAsync("COPY usage_logs (user_id, model, prompt_tokens) FROM STDIN (FORMAT binary)", PostgresDatabase.Cancellation);
        for (var i = 0; i < rows; i++)
            await import.WriteRowAsync(PostgresDatabase.Cancellation, user, "copied", _random.Next(1000));
        await import.CompleteAsync(PostgresDatabase.Cancellation);
    }
}
