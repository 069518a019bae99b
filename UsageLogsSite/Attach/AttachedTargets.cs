using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Attach;

/// <summary>What is attached.</summary>
internal static class AttachedTargets
{
    /// <summary>Whether the site's tables are copies.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal static Task<bool> ExistAsync(NpgsqlConnection connection, CancellationToken cancellation) => HaveAsync("attach_apply", connection, cancellation);

    /// <summary>Whether they were made so by a version that counts what waits and what failed.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal static Task<bool> AreCountedAsync(NpgsqlConnection connection, CancellationToken cancellation) => HaveAsync("attach_noted", connection, cancellation);

    /// <summary>Each of our tables that is a copy, and the map that made it so; users first.</summary>
    /// <exception cref="AttachException">None is.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal static async Task<IReadOnlyList<(string Target, TableMap Map)>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        if (!await ExistAsync(connection, cancellation))
            throw new AttachException("Nothing is attached: run 'attach --map …' first.");
        await using var command = new NpgsqlCommand($"SELECT target, map::text FROM {DatabaseSchema.Of(connection.ConnectionString)}.attachments ORDER BY target DESC", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var attached = new List<(string, TableMap)>();
        while (await reader.ReadAsync(cancellation))
            attached.Add((reader.GetString(0), TableMap.Parse(reader.GetString(1))));
        return attached;
    }

    private static async Task<bool> HaveAsync(string function, NpgsqlConnection connection, CancellationToken cancellation)
    {
        var schema = DatabaseSchema.Of(connection.ConnectionString);
        await using var command = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM pg_proc p WHERE p.proname = '{function}' AND {Made.Function(schema)})", connection);
        return await command.ExecuteScalarAsync(cancellation) is true;
    }
}
