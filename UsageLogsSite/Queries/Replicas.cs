using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Queries;

/// <summary>
/// Reads on replicas what need not be read on the primary, and never goes back in time: a read begins only once its replica has all that
/// the primary had when the read was asked for. Whatever keeps a replica from answering, the primary answers instead.
/// </summary>
internal sealed class Replicas
{
    private readonly IReadOnlyList<Replica> _replicas;
    private readonly bool _takeTurns;
    private readonly NpgsqlDataSource _primary;
    private readonly DbContextOptions<UsageDbContext> _options;
    private readonly TimeProvider _time;
    private readonly ReplicaMetrics _metrics;
    private uint _turn;

    /// <param name="duty">Who reads.</param>
    /// <param name="sources">The hosts.</param>
    /// <param name="primary">The way to the primary, as the same role.</param>
    /// <param name="timeline">Is told of new primaries.</param>
    /// <param name="options">How contexts are made; their connections are those of replicas.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">What is counted.</param>
    /// <param name="logger">Told of changes.</param>
    internal Replicas(
        string duty, ReplicaSources sources, NpgsqlDataSource primary, PrimaryTimeline timeline, DbContextOptions<UsageDbContext> options, TimeProvider time,
        ReplicaMetrics metrics, ILogger<Replicas> logger)
    {
        _replicas = [.. sources.Hosts.Select(source => new Replica(duty, source, primary, timeline, time, metrics, logger))];
        (_takeTurns, _primary, _options, _time, _metrics) = (sources.TakeTurns, primary, options, time, metrics);
    }

    /// <summary>Finds out which hosts are replicas that can be asked.</summary>
    internal Task LookAsync(CancellationToken cancellation) => Task.WhenAll(_replicas.Select(replica => replica.LookAsync(cancellation)));

    /// <summary>Reads on a replica, or on the primary.</summary>
    /// <param name="read">What is read on a replica; what it fails with there, nobody is told.</param>
    /// <param name="readOnPrimary">The same on the primary.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="NpgsqlException">The primary cannot be reached or refuses.</exception>
    internal async Task<T> ReadAsync<T>(Func<UsageDbContext, CancellationToken, Task<T>> read, Func<Task<T>> readOnPrimary, CancellationToken cancellation)
    {
        if (await BeginAsync(cancellation) is { } begun)
        {
            try
            {
                var result = await InTimeAsync(ReadAsync(), Databases.PageTimeout, cancellation);
                _metrics.ReadOnReplica();
                return result;
            }
            catch (Exception e) when (DatabaseFailure.Is(e) && !cancellation.IsCancellationRequested)
            {
                Leave(begun.Replica, e);
            }
        }

        _metrics.ReadOnPrimary();
        return await readOnPrimary();

        async Task<T> ReadAsync()
        {
            await using var database = begun.Database;
            return await read(database, cancellation);
        }
    }

    /// <summary>
    /// Reads as <see cref="ReadAsync"/> does what takes long and cannot be read anew: only on a replica that tells the primary what it still
    /// needs (hot_standby_feedback), as another one ends a long query sooner or later.
    /// </summary>
    internal async Task<T> ReadOnceAsync<T>(Func<UsageDbContext, CancellationToken, Task<T>> read, Func<Task<T>> readOnPrimary, CancellationToken cancellation)
    {
        if (await BeginAsync(cancellation) is { } begun)
        {
            await using var database = begun.Database;
            if (begun.HasFeedback)
            {
                _metrics.ReadOnReplica();
                return await FinishAsync(begun.Replica, () => read(database, cancellation), cancellation);
            }

            _metrics.Diverted(Diversion.Feedback);
        }

        _metrics.ReadOnPrimary();
        return await readOnPrimary();
    }

    /// <summary>A context whose replica has all that the primary has now; null where none has.</summary>
    private async Task<Begun?> BeginAsync(CancellationToken cancellation)
    {
        if (_replicas.Count == 0)
            return null;
        if (Choose() is not { } replica)
        {
            _metrics.Diverted(Diversion.NoneUsable);
            return null;
        }

        var position = await Position.OfAsync(_primary, cancellation);
        if (!replica.Follows(position))
        {
            replica.Rest("the primary is another one than before");
            _metrics.Diverted(Diversion.Role);
            return null;
        }

        var start = _time.GetTimestamp();
        try
        {
            return await BeginAsync(replica, position, cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e) && !cancellation.IsCancellationRequested)
        {
            Leave(replica, e);
            return null;
        }
        finally
        {
            _metrics.Awaited(_time.GetElapsedTime(start));
        }
    }

    private async Task<Begun?> BeginAsync(Replica replica, Position position, CancellationToken cancellation)
    {
        var connecting = ConnectAsync(replica, position);
        try
        {
            return await InTimeAsync(connecting, Replay.Patience * 2, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            _ = LeaveAsync(connecting);
            throw;
        }
    }

    /// <summary>
    /// Waits no longer, whatever becomes of it. Npgsql's own time-outs do not do that: with each it asks the server to cancel, and waits for the
    /// server to hear, which takes a silent one ten seconds.
    /// </summary>
    /// <exception cref="TimeoutException">It took longer.</exception>
    private async Task<T> InTimeAsync<T>(Task<T> work, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            return await work.WaitAsync(patience, _time, cancellation);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException("it does not answer");
        }
    }

    /// <summary>Takes no token: cancelling would wait for a silent server, on the thread that cancels. Who does not wait any more leaves this to itself.</summary>
    private async Task<Begun?> ConnectAsync(Replica replica, Position position)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await replica.Source.OpenConnectionAsync(CancellationToken.None);
            var (outcome, hasFeedback) = await Replay.AwaitAsync(connection, _primary, position, _time, CancellationToken.None);
            if (outcome == ReplayOutcome.Done)
            {
                var database = new UsageDbContext(_options);
                database.Database.SetDbConnection(connection, contextOwnsConnection: true);
                connection = null;
                return new(replica, database, hasFeedback);
            }

            replica.Rest(outcome == ReplayOutcome.Late ? $"it lacks what the primary had {Replay.Patience.TotalSeconds:0.#} s before" : "it was promoted");
            _metrics.Diverted(outcome == ReplayOutcome.Late ? Diversion.Lag : Diversion.Role);
            return null;
        }
        finally
        {
            if (connection is not null)
                await connection.DisposeAsync();
        }
    }

    private static async Task LeaveAsync(Task<Begun?> connecting)
    {
        await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connecting is { IsCompletedSuccessfully: true, Result: { } begun })
            await begun.Database.DisposeAsync();
    }

    /// <summary>Whoever reads is told of a failure here; the next ones need not meet it.</summary>
    private static async Task<T> FinishAsync<T>(Replica replica, Func<Task<T>> read, CancellationToken cancellation)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (DatabaseFailure.Is(e) && !DatabaseFailure.IsRecoveryConflict(e) && !cancellation.IsCancellationRequested)
        {
            replica.Rest(e.GetBaseException().Message);
            throw;
        }
    }

    private Replica? Choose()
    {
        var first = _takeTurns ? Interlocked.Increment(ref _turn) : 0;
        for (var i = 0u; i < _replicas.Count; i++)
        {
            var replica = _replicas[(int)((first + i) % _replicas.Count)];
            if (replica.IsUsable())
                return replica;
        }

        return null;
    }

    /// <summary>A query that was in the way of replaying says nothing about the next one; anything else does.</summary>
    private void Leave(Replica replica, Exception failure)
    {
        var isConflict = DatabaseFailure.IsRecoveryConflict(failure);
        if (!isConflict)
            replica.Rest(failure.GetBaseException().Message);
        _metrics.Diverted(isConflict ? Diversion.Conflict : Diversion.Failure);
    }

    private sealed record Begun(Replica Replica, UsageDbContext Database, bool HasFeedback);
}
