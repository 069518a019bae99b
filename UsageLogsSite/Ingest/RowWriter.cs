using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace UsageLogsSite.Ingest;

/// <summary>Writes rows of one kind: all of them or none. One by a plain INSERT, several by a binary COPY into a temporary table.</summary>
/// <remarks>
/// A table with row-level security takes no COPY but a superuser's. Who inserts an id first decides: another one with the same id waits for
/// the first to end, and finds its own to be a repetition. Ids go in in one order, so that two never wait for each other.
/// </remarks>
internal sealed class RowWriter
{
    private readonly RowKind _kind;
    private readonly string _stage;
    private readonly string _copy;
    private readonly string _insertStaged;
    private readonly string _insertOne;
    private readonly string _findOthers;

    internal RowWriter(RowKind kind)
    {
        _kind = kind;
        var staged = "staged_" + kind.Table;
        var names = string.Join(", ", kind.Fields.Select(field => field.Name));
        _stage = $"""
            CREATE TEMP TABLE IF NOT EXISTS {staged} (id uuid, content bigint, user_id uuid, created_at timestamptz,
                {string.Join(", ", kind.Fields.Select(field => $"{field.Name} {field.SqlType}"))}) ON COMMIT DELETE ROWS
            """;
        _copy = $"COPY pg_temp.{staged} (id, content, user_id, created_at, {names}) FROM STDIN (FORMAT binary)";

        // An id may have been forgotten whose row is still there: its key is a second net.
        _insertStaged = $"""
            WITH fresh AS (
                INSERT INTO ingest_ids (id, content) SELECT id, content FROM pg_temp.{staged} WHERE content IS NOT NULL ORDER BY id
                ON CONFLICT DO NOTHING RETURNING id
            )
            INSERT INTO {kind.Table} (id, user_id, created_at, {names}) SELECT id, user_id, created_at, {names} FROM pg_temp.{staged}
            WHERE content IS NULL OR id IN (SELECT id FROM fresh) ON CONFLICT DO NOTHING
            """;
        var values = string.Join(", ", kind.Fields.Select((field, i) => $"${i + 5}::{field.SqlType}"));
        _insertOne = $"""
            WITH fresh AS (
                INSERT INTO ingest_ids (id, content) SELECT $1, $2 WHERE $2 IS NOT NULL ON CONFLICT DO NOTHING RETURNING id
            )
            INSERT INTO {kind.Table} (id, user_id, created_at, {names}) SELECT $1, $3, $4, {values}
            WHERE $2 IS NULL OR EXISTS (SELECT FROM fresh) ON CONFLICT DO NOTHING
            """;
        _findOthers = "SELECT i.id FROM ingest_ids i JOIN unnest($1, $2) sent (id, content) ON sent.id = i.id WHERE i.content <> sent.content";
    }

    /// <summary>Writes rows, each id once.</summary>
    /// <param name="connection">An open connection; for several rows <see cref="PrepareCopyAsync">prepared</see>, and in a transaction.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many were new.</returns>
    /// <exception cref="IngestRefusal">There is no such user, or an id is there with other contents.</exception>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<int> WriteAsync(NpgsqlConnection connection, IReadOnlyList<IngestRow> rows, CancellationToken cancellation)
    {
        var inserted = rows.Count == 1
            ? await InsertAsync(connection, rows[0], cancellation)
            : await CopyAsync(connection, rows, cancellation);
        if (inserted < rows.Count)
            await RefuseOthersAsync(connection, rows, cancellation);
        return inserted;
    }

    private async Task<int> InsertAsync(NpgsqlConnection connection, IngestRow row, CancellationToken cancellation)
    {
        await using var insert = new NpgsqlCommand(_insertOne, connection);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = row.Id });
        insert.Parameters.Add(new NpgsqlParameter { Value = (object?)row.Content ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = row.UserId });
        insert.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = row.CreatedAt });
        for (var i = 0; i < row.Values.Length; i++)
            insert.Parameters.Add(new NpgsqlParameter { Value = row.Values[i], NpgsqlDbType = _kind.Fields[i].Column });
        return await insert.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Makes a connection ready for several rows. Not in the transaction that writes them: only a commit empties the temporary table, so what
    /// was rolled back would stay in it, be read by each later batch, and grow for as long as the connection lives.
    /// </summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task PrepareCopyAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var stage = new NpgsqlCommand(_stage, connection);
        await stage.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Writes rows with different ids, on a prepared connection and in a transaction that the caller has begun.</summary>
    /// <returns>How many were new.</returns>
    /// <exception cref="NpgsqlException">The database failed, or there is no such user.</exception>
    internal async Task<int> CopyAsync(NpgsqlConnection connection, IReadOnlyList<IngestRow> rows, CancellationToken cancellation)
    {
        await using (var import = await connection.BeginBinaryImportAsync(_copy, cancellation))
        {
            foreach (var row in rows)
                await WriteAsync(import, row, cancellation);
            await import.CompleteAsync(cancellation);
        }

        await using var insert = new NpgsqlCommand(_insertStaged, connection);
        return await insert.ExecuteNonQueryAsync(cancellation);
    }

    private async Task WriteAsync(NpgsqlBinaryImporter import, IngestRow row, CancellationToken cancellation)
    {
        await import.StartRowAsync(cancellation);
        await import.WriteAsync(row.Id, NpgsqlDbType.Uuid, cancellation);
        if (row.Content is { } content)
            await import.WriteAsync(content, NpgsqlDbType.Bigint, cancellation);
        else
            await import.WriteNullAsync(cancellation);
        await import.WriteAsync(row.UserId, NpgsqlDbType.Uuid, cancellation);
        await import.WriteAsync(row.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
        for (var i = 0; i < row.Values.Length; i++)
            await import.WriteAsync(row.Values[i], _kind.Fields[i].Column, cancellation);
    }

    /// <summary>Some rows were not new. By a statement of its own, which sees what those did that the first one waited for.</summary>
    private async Task RefuseOthersAsync(NpgsqlConnection connection, IReadOnlyList<IngestRow> rows, CancellationToken cancellation)
    {
        var known = rows.Where(row => row.Content is not null).ToList();
        await using var find = new NpgsqlCommand(_findOthers, connection);
        find.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. known.Select(row => row.Id)] });
        find.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. known.Select(row => row.Content!.Value)] });
        var others = await ReadIdsAsync(find, cancellation);
        if (others.Count == 0)
            return;
        var errors = new RowErrors();
        foreach (var row in known.Where(row => others.Contains(row.Id)))
            errors.Add(row, "id", "A row with this id came before, and said something else.", "the same contents again, or a new id");
        throw IngestRefusal.OtherRows(errors);
    }

    /// <summary>Tells which rows are about users who do not exist. To be asked once a statement has failed for it.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal static async Task<IngestRefusal> MissingUsersAsync(NpgsqlDataSource source, IReadOnlyList<IngestRow> rows, CancellationToken cancellation)
    {
        HashSet<Guid> missing = [.. rows.Select(row => row.UserId)];
        if (missing.Count > 1)
        {
            await using var find = source.CreateCommand("SELECT sent.id FROM unnest($1) sent (id) WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = sent.id)");
            find.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. missing] });
            missing = await ReadIdsAsync(find, cancellation);
        }

        var errors = new RowErrors();
        foreach (var row in rows.Where(row => missing.Contains(row.UserId)))
            errors.Add(row, "user_id", "There is no such user.", RowReader.AllowedUser);
        return errors.Count > 0 ? IngestRefusal.WrongRows(errors) : IngestRefusal.Unavailable(cause: null); // made meanwhile: the next attempt succeeds
    }

    private static async Task<HashSet<Guid>> ReadIdsAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);
        var ids = new HashSet<Guid>();
        while (await reader.ReadAsync(cancellation))
            ids.Add(reader.GetGuid(0));
        return ids;
    }
}
