using Npgsql;
using NpgsqlTypes;

namespace UsageLogsSite.Queries;

/// <summary>Waits on a replica's own connection, the one that the read will use, until it has replayed what the primary had written.</summary>
internal static class Replay
{
    /// <summary>In all; a replica that takes longer is not worth the wait.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>A replica that lacks something for so long may never have been sent it: it is not flushed.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits.</summary>
    /// <param name="connection">Of the replica.</param>
    /// <param name="primary">The way to the primary.</param>
    /// <param name="position">What must be replayed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="NpgsqlException">The replica failed, or the primary.</exception>
    internal static async Task<(ReplayOutcome Outcome, bool HasFeedback)> AwaitAsync(
        NpgsqlConnection connection, NpgsqlDataSource primary, Position position, TimeProvider time, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() >= $1, false), current_setting('hot_standby_feedback')::bool", connection);
        command.Parameters.Add(new NpgsqlParameter<NpgsqlLogSequenceNumber> { TypedValue = position.At, NpgsqlDbType = NpgsqlDbType.PgLsn });
        var start = time.GetTimestamp();
        var isFlushed = false;
        for (var pause = TimeSpan.FromMilliseconds(1); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            await using (var reader = await command.ExecuteReaderAsync(cancellation))
            {
                await reader.ReadAsync(cancellation);
                if (!reader.GetBoolean(0))
                    return (ReplayOutcome.Promoted, false);
                if (reader.GetBoolean(1))
                    return (ReplayOutcome.Done, reader.GetBoolean(2));
            }

            var waited = time.GetElapsedTime(start);
            if (waited >= Patience)
                return (ReplayOutcome.Late, false);
            if (waited >= Doubt && !isFlushed)
            {
                await Position.FlushAsync(primary, cancellation);
                isFlushed = true;
            }

            await Task.Delay(pause, time, cancellation);
        }
    }
}

/// <summary>How a wait for a replica ended.</summary>
internal enum ReplayOutcome
{
    /// <summary>It has all.</summary>
    Done,

    /// <summary>It has not, after <see cref="Replay.Patience"/>.</summary>
    Late,

    /// <summary>It is a replica no more.</summary>
    Promoted,
}
