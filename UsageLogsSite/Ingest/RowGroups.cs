using System.Data;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Ingest;

/// <summary>
/// Writes rows that come one by one: at once while nobody else writes, and those that come meanwhile together, in one transaction, which
/// costs little more than one of them would. A group of which any row is not new and right falls back to each on its own.
/// </summary>
internal sealed class RowGroups
{
    private const int MostAtOnce = 200;

    /// <summary>More than a database that answers lets come together; one that does not must not have the memory filled.</summary>
    private const int MostWaiting = 20_000;

    /// <summary>While one group waits for its commit, the next is written.</summary>
    private const int WritersAtOnce = 2;

    /// <summary>Rows of a group that did not go in together, written at the same time: the group is not to take every connection.</summary>
    private const int AloneAtOnce = 8;

    private readonly RowWriter _writer;
    private readonly NpgsqlDataSource _source;
    private readonly Groups<IngestRow, int> _groups;

    /// <summary>Writes nothing yet.</summary>
    /// <param name="writer">Writes rows.</param>
    /// <param name="source">The database.</param>
    internal RowGroups(RowWriter writer, NpgsqlDataSource source)
    {
        (_writer, _source) = (writer, source);
        _groups = new(MostAtOnce, WritersAtOnce, WriteAsync);
    }

    /// <summary>Writes a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="cancellation">Waits no longer; the row may be stored all the same.</param>
    /// <returns>1 if it was new, 0 if it came before.</returns>
    /// <exception cref="IngestRefusal">Its id is there with other contents, or too many wait already.</exception>
    /// <exception cref="NpgsqlException">The database failed, or there is no such user.</exception>
    internal Task<int> WriteAsync(IngestRow row, CancellationToken cancellation)
    {
        if (_groups.Waiting >= MostWaiting)
            throw IngestRefusal.Unavailable(cause: null);
        return _groups.AskAsync(row, cancellation);
    }

    /// <summary>What fails for the database's sake fails for all: trying each on its own would be a crowd at its door when it comes back.</summary>
    private async Task WriteAsync(IReadOnlyList<Groups<IngestRow, int>.Member> group)
    {
        var areOthers = group.DistinctBy(member => member.Asked.Id).Count() == group.Count;
        if (group.Count > 1 && areOthers && await ConnectionRetry.RunAsync(_source, () => TryWriteAsync(group)))
        {
            foreach (var member in group)
                member.Answer.SetResult(1);
        }
        else
        {
            await Parallel.ForEachAsync(group, new ParallelOptions { MaxDegreeOfParallelism = AloneAtOnce }, async (member, _) => await WriteAloneAsync(member));
        }
    }

    /// <returns>Whether all are written; otherwise none is, and each on its own finds out whom it is about.</returns>
    private async Task<bool> TryWriteAsync(IReadOnlyList<Groups<IngestRow, int>.Member> group)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(CancellationToken.None);
            await _writer.PrepareCopyAsync(connection, CancellationToken.None);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, CancellationToken.None);
            if (await _writer.CopyAsync(connection, [.. group.Select(member => member.Asked)], CancellationToken.None) < group.Count)
                return false;
            await transaction.CommitAsync(CancellationToken.None);
            return true;
        }
        catch (Exception e) when (!DatabaseFailure.Is(e) || e is PostgresException { SqlState: ['2', '2' or '3', ..] or ['4', '0', ..] })
        {
            return false; // a row's fault, or of two that were in each other's way
        }
    }

    private async Task WriteAloneAsync(Groups<IngestRow, int>.Member member)
    {
        try
        {
            var written = await ConnectionRetry.RunAsync(_source, () => WriteOnceAsync(member.Asked));
            member.Answer.SetResult(member.Asked.GivenId is null ? 1 : written); // what is there already of one without an id, an attempt before this one wrote
        }
        catch (Exception e)
        {
            member.Answer.SetException(e);
        }
    }

    private async Task<int> WriteOnceAsync(IngestRow row)
    {
        await using var connection = await _source.OpenConnectionAsync(CancellationToken.None);
        return await _writer.WriteAsync(connection, [row], CancellationToken.None);
    }
}
