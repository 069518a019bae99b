using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Which of several servers that accept writes is the newest: each promotion begins a timeline with a higher number. An old primary that
/// comes back beside the promoted one does not know that it is over; whoever has seen the newer timeline does, and refuses it.
/// </summary>
internal sealed class PrimaryTimeline : IDisposable
{
    /// <summary>The timeline that a primary writes; null where a server is a standby.</summary>
    private const string Question =
        "SELECT CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END";

    private readonly Lock _gate = new();
    private readonly List<NpgsqlMultiHostDataSource> _followers = [];
    private CancellationTokenSource _reign = new();
    private int _newest;

    /// <summary>
    /// Ends when a newer primary is seen: who keeps a connection to the one before it has to connect anew. To be read before connecting, so that
    /// a promotion in between is not missed.
    /// </summary>
    internal CancellationToken Reign
    {
        get
        {
            lock (_gate)
                return _reign.Token;
        }
    }

    /// <summary>Lets a data source refuse old primaries; every new connection of it is looked at.</summary>
    internal void Guard(NpgsqlDataSourceBuilder builder) => builder.UsePhysicalConnectionInitializer(
        connection =>
        {
            using var command = new NpgsqlCommand(Question, connection);
            Check(command.ExecuteScalar(), connection);
        },
        async connection =>
        {
            await using var command = new NpgsqlCommand(Question, connection);
            Check(await command.ExecuteScalarAsync(), connection);
        });

    /// <summary>Has a data source forget its connections when a newer primary is seen.</summary>
    internal void Follow(NpgsqlMultiHostDataSource source)
    {
        lock (_gate)
            _followers.Add(source);
    }

    /// <summary>Has data sources find out anew which host is what: after one lost connection they take its host for gone, and ask no other one either.</summary>
    internal void Forget()
    {
        lock (_gate)
            _followers.ForEach(source => source.ClearDatabaseStates());
    }

    /// <summary>A primary was seen.</summary>
    /// <param name="timeline">Its timeline.</param>
    /// <returns>Whether none with a newer one was seen before.</returns>
    internal bool See(int timeline)
    {
        CancellationTokenSource ended;
        lock (_gate)
        {
            if (timeline <= _newest)
                return timeline == _newest;
            var isFirst = _newest == 0;
            _newest = timeline;
            if (isFirst)
                return true;
            foreach (var source in _followers)
            {
                source.ClearDatabaseStates();
                source.Clear();
            }

            (ended, _reign) = (_reign, new());
        }

        // Not waited for: Npgsql asks the old server to cancel what runs there, and that one may be silent.
        _ = ended.CancelAsync();
        return true;
    }

    /// <summary>Asks a server whether it is a primary, and takes note.</summary>
    /// <returns>False for a standby.</returns>
    internal async Task<bool> LookAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Question, connection);
        if (await command.ExecuteScalarAsync(cancellation) is not int timeline)
            return false;
        See(timeline);
        return true;
    }

    /// <inheritdoc />
    public void Dispose() => _reign.Dispose();

    private void Check(object? timeline, NpgsqlConnection connection)
    {
        if (timeline is int found && !See(found))
        {
            throw new NpgsqlException(
                $"{connection.Host}:{connection.Port} accepts writes on timeline {found}, but another server was promoted since and writes a newer one: it is an old primary, and must be stopped.");
        }
    }
}
