using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Attach;

/// <summary>
/// Compares the product's tables with our copies, row by row, at one moment, while writers write: what is not noted as changed must be
/// the same.
/// </summary>
/// <param name="owner">The database, as the owner of the site's tables.</param>
internal sealed class MirrorCheck(NpgsqlDataSource owner)
{
    /// <summary>Failed rows that are named.</summary>
    private const int MostFailures = 20;

    /// <summary>Compares all attached tables.</summary>
    /// <exception cref="AttachException">Nothing is attached, or a table cannot be compared any more.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async IAsyncEnumerable<MirrorResult> CompareAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var schema = DatabaseSchema.Of(owner.ConnectionString);
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        var tables = new List<AttachedTable>();
        foreach (var (target, map) in await AttachedTargets.ReadAsync(connection, cancellation))
            tables.Add(new AttachedTable(target, map, await SourceTable.FindAsync(connection, map, schema, cancellation)));

        // Locked before the first look: a TRUNCATE empties a table for older snapshots too, which do not see its note.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        await using (var held = new NpgsqlCommand($"SET LOCAL TimeZone = 'UTC'; LOCK TABLE {string.Join(", ", tables.Select(t => t.Source.Name))} IN ACCESS SHARE MODE", connection))
            await held.ExecuteNonQueryAsync(cancellation);
        foreach (var table in tables)
        {
            await using (var path = new NpgsqlCommand("SET LOCAL search_path = pg_catalog, pg_temp", connection))
                await path.ExecuteNonQueryAsync(cancellation);
            var types = await TypesAsync(connection, schema, table, cancellation);
            var result = await CompareAsync(connection, schema, table, types, cancellation);
            await using (var path = new NpgsqlCommand($"SET LOCAL search_path = {schema}", connection))
                await path.ExecuteNonQueryAsync(cancellation);
            yield return result;
        }
    }

    private static async Task<MirrorResult> CompareAsync(
        NpgsqlConnection connection, string schema, AttachedTable table, Dictionary<string, string> types, CancellationToken cancellation)
    {
        var result = new MirrorResult(table.Target, table.Source.Name);
        await using (var command = new NpgsqlCommand(Question(schema, table, types), connection) { CommandTimeout = 0 })
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            while (await reader.ReadAsync(cancellation))
            {
                if (reader.GetInt32(0) == 0)
                {
                    (result.Compared, result.Pending, result.Failed) = (reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
                    result.LastNote = await reader.IsDBNullAsync(6, cancellation) ? null : reader.GetInt64(6);
                }
                else
                {
                    result.Lines.Add($"{reader.GetString(4)} {reader.GetString(5)}");
                }
            }
        }

        result.Differences = result.Lines.Count;
        await using (var command = new NpgsqlCommand(
            $"SELECT coalesce(key::text, 'TRUNCATE'), error FROM {schema}.attach_{table.Target} WHERE error IS NOT NULL ORDER BY failed_at LIMIT {MostFailures}", connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            while (await reader.ReadAsync(cancellation))
                result.Lines.Add($"not copied: {table.Source.Key} {reader.GetString(0)}: {reader.GetString(1)}");
        }

        return result;
    }

    // Materialized, so that no expression is evaluated of a row that is known to fail. A TRUNCATE notes no keys: until it is copied, every row may be one too many.
    private static string Question(string schema, AttachedTable table, Dictionary<string, string> types)
    {
        var columns = table.Map.Columns;
        var queue = $"{schema}.attach_{table.Target}";
        var tooMany = $"s.id IS NULL AND NOT EXISTS (SELECT FROM {queue} WHERE op = 'T')";
        var different = $"s.id IS NOT NULL AND ({ColumnsOf("s")}) IS DISTINCT FROM ({ColumnsOf("o")})";
        return $"""
            WITH source AS MATERIALIZED (
                SELECT {string.Join(", ", columns.Select(c => $"{table.Expression(c.Key)}::{types[c.Key]} AS {c.Key}"))}
                FROM (SELECT s.* FROM {table.Source.Name} AS s WHERE NOT EXISTS (SELECT FROM {queue} q WHERE q.key = s.{table.Source.Key}) OFFSET 0) AS s
                WHERE {table.Where}
            ), noted AS MATERIALIZED (
                SELECT ({columns["id"]}) AS id FROM (SELECT q.key::{table.Source.KeyType} AS {table.Source.Key} FROM {queue} q WHERE q.key IS NOT NULL) AS s
            ), ours AS MATERIALIZED (
                SELECT {table.Columns} FROM {schema}.{table.Target} m WHERE NOT EXISTS (SELECT FROM noted WHERE noted.id = m.id)
            )
            SELECT 0, (SELECT count(*) FROM source), (SELECT count(*) FROM {queue} WHERE error IS NULL), (SELECT count(*) FROM {queue} WHERE error IS NOT NULL), '', '', (SELECT max(seq) FROM {queue} WHERE error IS NULL)
            UNION ALL
            SELECT 1, 0, 0, 0, CASE WHEN o.id IS NULL THEN 'missing:' WHEN s.id IS NULL THEN 'too many:' ELSE 'different:' END, coalesce(s.id, o.id)::text, NULL
            FROM source s FULL JOIN ours o ON {string.Join(" AND ", table.Identity.Select(column => $"o.{column} = s.{column}"))}
            WHERE o.id IS NULL OR ({tooMany}) OR ({different})
            """;

        string ColumnsOf(string row) => string.Join(", ", columns.Keys.Select(column => $"{row}.{column}"));
    }

    private static async Task<Dictionary<string, string>> TypesAsync(NpgsqlConnection connection, string schema, AttachedTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{schema}.{table.Target}" });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var types = new Dictionary<string, string>();
        while (await reader.ReadAsync(cancellation))
            types[reader.GetString(0)] = reader.GetString(1);
        return types;
    }
}
