using System.Collections.Concurrent;
using System.Data;
using Npgsql;

namespace UsageLogsSite.Ingest;

/// <summary>
/// Writes rows that come one by one: at once while nobody else writes, and those that come meanwhile together, in one transaction, which
/// costs little more than one of them would. A group of which any row is not new and right falls back to each on its own.
/// </summary>
/// <param name="writer">Writes them.</param>
/// <param name="source">The database.</param>
internal sealed class RowGroups(RowWriter writer, NpgsqlDataSource source)
{
    private const int MostAtOnce = 200;

    /// <summary>More than a database that answers lets come together; one that does not must not have the memory filled.</summary>
    private const int MostWaiting = 20_000;

    /// <summary>While one group waits for its commit, the next is written.</summary>
    private const int WritersAtOnce = 2;

    private readonly ConcurrentQueue<Waiting> _waiting = new();
    private int _writers;

    /// <summary>Writes a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="cancellation">Waits no longer; the row may be stored all the same.</param>
    /// <returns>1 if it was new, 0 if it came before.</returns>
    /// <exception cref="IngestRefusal">Its id is there with other contents, or too many wait already.</exception>
    /// <exception cref="NpgsqlException">The database failed, or there is no such user.</exception>
    internal Task<int> WriteAsync(IngestRow row, CancellationToken cancellation)
    {
        if (_waiting.Count >= MostWaiting)
            throw IngestRefusal.Unavailable(cause: null);
        var waiting = new Waiting(row, new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously));
        _waiting.Enqueue(waiting);
        StartWriter();
        return waiting.Written.Task.WaitAsync(cancellation);
    }

    private void StartWriter()
    {
        if (Interlocked.Increment(ref _writers) <= WritersAtOnce)
            _ = Task.Run(WriteWaitingAsync);
        else
            Interlocked.Decrement(ref _writers);
    }

    /// <summary>Of several senders' rows: no one of them ends it by giving up, and every failure is told to those it is about.</summary>
    private async Task WriteWaitingAsync()
    {
        var group = new List<Waiting>();
        while (_waiting.TryDequeue(out var first))
        {
            group.Clear();
            group.Add(first);
            while (group.Count < MostAtOnce && _waiting.TryDequeue(out var next))
                group.Add(next);
            if (group.Count > 1 && await TryWriteAsync(group))
                group.ForEach(waiting => waiting.Written.SetResult(1));
            else
                await Task.WhenAll(group.Select(WriteAloneAsync));
        }

        // One that came since the last look, and found all writers still there, waits for this.
        Interlocked.Decrement(ref _writers);
        if (!_waiting.IsEmpty)
            StartWriter();
    }

    /// <returns>Whether all are written; otherwise none is.</returns>
    private async Task<bool> TryWriteAsync(List<Waiting> group)
    {
        if (group.DistinctBy(waiting => waiting.Row.Id).Count() < group.Count)
            return false;
        try
        {
            await using var connection = await source.OpenConnectionAsync(CancellationToken.None);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, CancellationToken.None);
            if (await writer.CopyAsync(connection, [.. group.Select(waiting => waiting.Row)], CancellationToken.None) < group.Count)
                return false;
            await transaction.CommitAsync(CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false; // each on its own finds out whom it is about
        }
    }

    private async Task WriteAloneAsync(Waiting waiting)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(CancellationToken.None);
            waiting.Written.SetResult(await writer.WriteAsync(connection, [waiting.Row], CancellationToken.None));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            waiting.Written.SetException(e);
        }
    }

    /// <param name="Row">The row.</param>
    /// <param name="Written">Told once it is written, or is not.</param>
    private sealed record Waiting(IngestRow Row, TaskCompletionSource<int> Written);
}
