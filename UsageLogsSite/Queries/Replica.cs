using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Queries;

/// <summary>
/// One host that may be a streaming replica, and whether it is asked now. Once it was too late or failed it is left alone, and looked at
/// from time to time beside the reads, so that it costs no reader anything.
/// </summary>
/// <param name="duty">Who reads.</param>
/// <param name="source">Opens its connections.</param>
/// <param name="primary">The way to the primary.</param>
/// <param name="timeline">Is told of new primaries.</param>
/// <param name="time">The clock.</param>
/// <param name="metrics">What is counted.</param>
/// <param name="logger">Told of changes.</param>
internal sealed partial class Replica(
    string duty, NpgsqlDataSource source, NpgsqlDataSource primary, PrimaryTimeline timeline, TimeProvider time, ReplicaMetrics metrics, ILogger logger)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly string _host = HostOf(source);
    private State _state = State.New;
    private int _timeline;
    private TimeSpan _rest = FirstRest;
    private long _since = time.GetTimestamp();
    private Task? _look;

    private enum State
    {
        New,
        Usable,
        Resting,
        Primary,
    }

    /// <summary>Opens its connections.</summary>
    internal NpgsqlDataSource Source => source;

    /// <summary>Whether a read may begin here; where it may not, and it is time, a look is begun.</summary>
    internal bool IsUsable()
    {
        lock (_gate)
        {
            if (_state == State.Usable)
                return true;
            if (_look is null or { IsCompleted: true } && (_state == State.New || time.GetElapsedTime(_since) >= _rest))
                _look = Task.Run(() => LookAsync(CancellationToken.None));
            return false;
        }
    }

    /// <summary>Whether the replica follows the primary that said this.</summary>
    internal bool Follows(Position position) => Volatile.Read(ref _timeline) == position.Timeline;

    /// <summary>Leaves it alone for a while.</summary>
    internal void Rest(string reason)
    {
        lock (_gate)
        {
            if (_state != State.Usable)
                return;
            var lasted = time.GetElapsedTime(_since);
            _rest = lasted > LongestRest ? FirstRest : _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
            Become(State.Resting, reason);
        }
    }

    /// <summary>Finds out whether it can be asked.</summary>
    internal async Task LookAsync(CancellationToken cancellation)
    {
        try
        {
            source.Clear(); // what is left of before may have ended with the server
            await using var connection = await source.OpenConnectionAsync(cancellation);
            if (await timeline.LookAsync(connection, cancellation))
            {
                Found(State.Primary, "it accepts writes");
                return;
            }

            var position = await Position.OfAsync(primary, cancellation);
            if (await DifferenceAsync(connection, position, cancellation) is { } difference)
                Found(State.Resting, difference);
            else if ((await Replay.AwaitAsync(connection, primary, position, time, cancellation)).Outcome != ReplayOutcome.Done)
                Found(State.Resting, $"it lacks what the primary had {Replay.Patience.TotalSeconds:0.#} s before");
            else
                FoundUsable(position.Timeline);
        }
        catch (Exception e) when (DatabaseFailure.Is(e) || e is OperationCanceledException)
        {
            Found(State.Resting, e.GetBaseException().Message);
        }
    }

    /// <summary>What keeps its positions from being comparable with the primary's; null where nothing does.</summary>
    private async Task<string?> DifferenceAsync(NpgsqlConnection connection, Position position, CancellationToken cancellation)
    {
        await using var ask = primary.CreateCommand("SELECT system_identifier FROM pg_control_system()");
        var system = (long)(await ask.ExecuteScalarAsync(cancellation))!;
        await using var compare = new NpgsqlCommand(
            """
            SELECT system_identifier, greatest(timeline_id, min_recovery_end_timeline)
            FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()
            """,
            connection);
        await using var reader = await compare.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        if (reader.GetInt64(0) != system)
            return "it is a copy of another server than the primary";

        // It may have replayed what the promoted server never had. Its control file has the new timeline after its next restartpoint.
        return reader.GetInt32(1) == position.Timeline
            ? null
            : $"it is not yet seen to follow the promoted primary (timeline {reader.GetInt32(1)}, the primary writes {position.Timeline}); its next restartpoint shows that";
    }

    private void FoundUsable(int followed)
    {
        lock (_gate)
        {
            Volatile.Write(ref _timeline, followed);
            Become(State.Usable, "");
        }
    }

    private void Found(State state, string reason)
    {
        source.Clear(); // it is to keep no connection where nobody reads
        lock (_gate)
            Become(state, reason);
    }

    // The gate is held.
    private void Become(State state, string reason)
    {
        var before = _state;
        (_state, _since) = (state, time.GetTimestamp());
        if (before == state)
        {
            _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
            return;
        }

        if (before == State.Usable || state == State.Usable)
            metrics.BecameUsable(state == State.Usable);
        if (state == State.Usable)
            LogUsable(logger, duty, _host);
        else if (state == State.Resting)
            LogResting(logger, duty, _host, reason);
        else if (before != State.New)
            LogPrimary(logger, duty, _host);
    }

    private static string HostOf(NpgsqlDataSource source)
    {
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        return $"{settings.Host}:{settings.Port}";
    }

    [LoggerMessage(7001, LogLevel.Information, "Replicas: {Host} answers what is read for {Duty}")]
    private static partial void LogUsable(ILogger logger, string duty, string host);

    [LoggerMessage(7002, LogLevel.Warning, "Replicas: {Host} is left alone, and others are asked what is read for {Duty}: {Reason}")]
    private static partial void LogResting(ILogger logger, string duty, string host, string reason);

    [LoggerMessage(7003, LogLevel.Warning, "Replicas: {Host} was promoted, and is no replica for {Duty} any more")]
    private static partial void LogPrimary(ILogger logger, string duty, string host);
}
