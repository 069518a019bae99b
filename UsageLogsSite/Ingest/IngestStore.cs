using System.Data;
using Npgsql;
using UsageLogsSite.Attach;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Ingest;

/// <summary>Carries requests out, each in one transaction: its rows, their ids, and the answer under its <c>Idempotency-Key</c>.</summary>
internal sealed class IngestStore(Databases databases) : IDisposable
{
    /// <summary>More batches at the same time would only take each other's time, and the connections by which keys are looked up.</summary>
    private const int BatchesAtOnce = 16;

    private readonly Dictionary<string, (RowWriter Writer, RowGroups Groups)> _tables = RowKind.All.ToDictionary(kind => kind.Table, kind =>
    {
        var writer = new RowWriter(kind);
        return (writer, new RowGroups(writer, databases.Ingest!));
    });

    private readonly Turns _batches = new(BatchesAtOnce);

    /// <summary>Stores the rows of a request, or finds that it was carried out before.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellation">Gives up; whether it is stored is then seen by asking again.</param>
    /// <returns>The answer, and whether it is the one of before.</returns>
    /// <exception cref="IngestRefusal">Nothing is stored; the problem says why.</exception>
    internal async Task<(IngestAnswer Answer, bool IsReplayed)> StoreAsync(IngestRequest request, CancellationToken cancellation)
    {
        var rows = Distinct(request);
        try
        {
            return request.IdempotencyKey is null && rows.Count <= 1
                ? (await StoreAloneAsync(request, rows, cancellation), false)
                : await _batches.TakeAsync(() => StoreBatchAsync(request, rows, cancellation), cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            throw e switch
            {
                PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } => await MissingUsersAsync(rows, cancellation),
                PostgresException { SqlState: Mirror.IsCopy } copied => IngestRefusal.IsCopy(copied.MessageText),
                PostgresException { SqlState: ['2', '2', ..] } refused => IngestRefusal.NotStorable(refused.MessageText),
                _ => IngestRefusal.Unavailable(e),
            };
        }
    }

    private async Task<IngestAnswer> StoreAloneAsync(IngestRequest request, List<IngestRow> rows, CancellationToken cancellation)
    {
        var inserted = rows.Count == 0 ? 0 : await _tables[request.Kind.Table].Groups.WriteAsync(rows[0], cancellation);
        return new IngestAnswer(inserted, request.Rows.Count - inserted);
    }

    private async Task<(IngestAnswer Answer, bool IsReplayed)> StoreBatchAsync(IngestRequest request, List<IngestRow> rows, CancellationToken cancellation)
    {
        await using var connection = await databases.Ingest!.OpenConnectionAsync(cancellation);
        if (rows.Count > 1)
            await _tables[request.Kind.Table].Writer.PrepareCopyAsync(connection, cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);
        if (request.IdempotencyKey is not null && await FindAsync(connection, request, cancellation) is { } before)
            return (before, true);
        var answer = await WriteAsync(connection, request, rows, cancellation);
        if (request.IdempotencyKey is not null)
            await KeepAsync(connection, request, answer, cancellation);
        await transaction.CommitAsync(cancellation);
        return (answer, false);
    }

    private async Task<IngestAnswer> WriteAsync(NpgsqlConnection connection, IngestRequest request, List<IngestRow> rows, CancellationToken cancellation)
    {
        var inserted = rows.Count == 0 ? 0 : await _tables[request.Kind.Table].Writer.WriteAsync(connection, rows, cancellation);
        return new IngestAnswer(inserted, request.Rows.Count - inserted);
    }

    /// <summary>Rows whose ids come twice in one body are one row, too.</summary>
    private static List<IngestRow> Distinct(IngestRequest request)
    {
        var first = new Dictionary<Guid, IngestRow>();
        var rows = new List<IngestRow>(request.Rows.Count);
        var errors = new RowErrors();
        foreach (var row in request.Rows)
        {
            if (row.Content is null || first.TryAdd(row.Id, row))
                rows.Add(row);
            else if (first[row.Id].Content != row.Content)
                errors.Add(row, "id", $"Row {first[row.Id].Index} of this body has the same id, and says something else.", "the same contents again, or another id");
        }

        return errors.Count == 0 ? rows : throw IngestRefusal.OtherRows(errors);
    }

    /// <summary>Takes the key for this request, after whoever has it has ended, or finds what was answered under it.</summary>
    private static async Task<IngestAnswer?> FindAsync(NpgsqlConnection connection, IngestRequest request, CancellationToken cancellation)
    {
        await using var take = new NpgsqlCommand("INSERT INTO ingest_requests (source, key, body_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", connection);
        AddKey(take, request);
        take.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = request.Hash });
        if (await take.ExecuteNonQueryAsync(cancellation) > 0)
            return null;

        await using var find = new NpgsqlCommand("SELECT body_hash, inserted, repeated FROM ingest_requests WHERE source = $1 AND key = $2", connection);
        AddKey(find, request);
        await using var reader = await find.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            throw IngestRefusal.Unavailable(cause: null); // forgotten at this very moment
        if (!reader.GetFieldValue<byte[]>(0).AsSpan().SequenceEqual(request.Hash))
            throw IngestRefusal.OtherBody();
        return new IngestAnswer(reader.GetInt32(1), reader.GetInt32(2));
    }

    private static async Task KeepAsync(NpgsqlConnection connection, IngestRequest request, IngestAnswer answer, CancellationToken cancellation)
    {
        await using var keep = new NpgsqlCommand("UPDATE ingest_requests SET inserted = $3, repeated = $4 WHERE source = $1 AND key = $2", connection);
        AddKey(keep, request);
        keep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = answer.Inserted });
        keep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = answer.Repeated });
        await keep.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<IngestRefusal> MissingUsersAsync(List<IngestRow> rows, CancellationToken cancellation)
    {
        try
        {
            return await RowWriter.MissingUsersAsync(databases.Ingest!, rows, cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            return IngestRefusal.Unavailable(e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _batches.Dispose();

    private static void AddKey(NpgsqlCommand command, IngestRequest request)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Source });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.IdempotencyKey! });
    }
}

/// <summary>What a sender asks for.</summary>
/// <param name="Kind">What the rows are.</param>
/// <param name="Source">Who sends them.</param>
/// <param name="IdempotencyKey">The header; null for none.</param>
/// <param name="Hash">SHA-256 of address and body.</param>
/// <param name="Rows">The rows, identified.</param>
internal sealed record IngestRequest(RowKind Kind, string Source, string? IdempotencyKey, byte[] Hash, IReadOnlyList<IngestRow> Rows);
