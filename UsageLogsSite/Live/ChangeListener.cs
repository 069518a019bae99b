using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Access;
using UsageLogsSite.Alerts;
using UsageLogsSite.Hosting;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Live;

/// <summary>
/// Hears the rollup's hints, and that sessions and widgets are over, on one connection of its own. After every gap it has everything compared anew, as hints are
/// not kept for those who were away.
/// </summary>
internal sealed partial class ChangeListener(
    Databases databases, FilterSets sets, Visitors visitors, HeldEmbeds embeds, AlertSignals alerts, TimeProvider time, LiveMetrics metrics, ILogger<ChangeListener> logger)
    : ReconnectingService(databases, databases.Listener, TimeSpan.FromMilliseconds(100), time)
{
    private const string AccessChanged = "usage_access_changed";

    private Guid _hintKey;

    /// <inheritdoc />
    protected override async Task BeginAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        connection.Notification += (_, notification) => Hear(notification.Channel, notification.Payload);
        await using var listen = new NpgsqlCommand($"LISTEN usage_changed; LISTEN {AccessChanged}; LISTEN {AlertSignals.Channel}; SELECT hint_key FROM rollup_state", connection);
        _hintKey = (Guid)(await listen.ExecuteScalarAsync(cancellation))!;
    }

    /// <inheritdoc />
    protected override async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        visitors.Recheck();
        embeds.Recheck();
        alerts.Recheck();
        sets.Follow(_hintKey);
        LogListening(logger);
        while (true)
            await connection.WaitAsync(cancellation);
    }

    /// <inheritdoc />
    protected override void Lose(TimeSpan retry, string reason, Exception? bug)
    {
        visitors.Lose();
        embeds.Lose();
        sets.Lose();
        metrics.ListenerLost();
        LogLost(logger, retry.TotalMilliseconds, reason, bug);
    }

    private void Hear(string channel, string payload)
    {
        if (channel == AccessChanged)
        {
            visitors.Hear(payload);
            embeds.Hear(payload);
            return;
        }

        if (channel == AlertSignals.Channel)
        {
            if (alerts.Hear(payload))
                sets.TellAlert();
            return;
        }

        alerts.Changes.Signal();
        metrics.ChangeSeen();
        LogHeard(logger, payload);
        var change = UsageChange.Parse(payload, Time.GetUtcNow());
        if (change.Origin.Trace != default)
            change = Trace(change);
        sets.Publish(change);
    }

    /// <summary>Lets what follows here follow from the hint, and the hint from its fold, wherever that was.</summary>
    private static UsageChange Trace(UsageChange change)
    {
        using var span = Traces.Source.StartActivity("hint", ActivityKind.Consumer, change.Origin.Trace);
        return change with { Origin = change.Origin with { Trace = span?.Context ?? default } };
    }

    [LoggerMessage(1005, LogLevel.Information, "Live: listening for changes")]
    private static partial void LogListening(ILogger logger);

    [LoggerMessage(1006, LogLevel.Warning, "Live: lost the database, connecting again in {RetryMs} ms: {Reason}")]
    private static partial void LogLost(ILogger logger, double retryMs, string reason, Exception? exception);

    [LoggerMessage(1007, LogLevel.Debug, "Live: totals changed for users of type '{Types}'")]
    private static partial void LogHeard(ILogger logger, string types);
}
