using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Attach;

namespace UsageLogsSite.Rollup;

/// <summary>
/// One term as the elected instance, on one connection: asleep until a writer notifies, polling while there is work.
/// </summary>
internal sealed partial class RollupShift
{
    /// <summary>Writers stay silent no longer than this after a fold that died; renewed well before.</summary>
    private const string Awake = "SELECT setval('usage_rollup_awake_until', extract(epoch FROM clock_timestamp())::bigint + 5)";

    private static readonly TimeSpan RenewAwake = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBarrierPoll = TimeSpan.FromSeconds(1);

    private readonly NpgsqlConnection _connection;
    private readonly Fold _fold;
    private readonly Mirror _mirror;
    private readonly RollupOptions _options;
    private readonly TimeZoneInfo _zone;
    private readonly TimeProvider _time;
    private readonly RollupMetrics _metrics;
    private readonly RollupStatus _status;
    private readonly ILogger _logger;
    private bool _notified;

    /// <summary>Transactions below it may have skipped their NOTIFY; null once all have ended.</summary>
    private ulong? _silentBelow;

    internal RollupShift(
        NpgsqlConnection connection, RollupOptions options, TimeZoneInfo zone, TimeProvider time, RollupMetrics metrics, RollupStatus status,
        ILogger logger)
    {
        _zone = zone;
        _connection = connection;
        _fold = new Fold(connection, options.BatchSize, time, status);
        _status = status;
        _mirror = new Mirror(connection, time, status, logger);
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        connection.Notification += (_, _) =>
        {
            _notified = true;
            _mirror.LookAgain();
        };
    }

    /// <summary>What has failed is tried again sooner.</summary>
    private TimeSpan Sweep => _mirror.Retry is { } retry && retry < _options.Sweep ? retry : _options.Sweep;

    internal async Task RunAsync(CancellationToken cancellation)
    {
        await ExecuteAsync("LISTEN usage_pending", cancellation);

        // A leader that died awake has left writers silent: end that first.
        await FallAsleepAsync(cancellation);
        if (await _fold.KeepInAsync(_zone.Id, cancellation))
            LogZone(_logger, _zone.Id);
        while (true)
        {
            await SleepUntilBusyAsync(cancellation);
            await PollUntilIdleAsync(cancellation);
            await FallAsleepAsync(cancellation);
        }
    }

    /// <summary>A lone change is folded and done; two looks in a row that find work mean a busy time.</summary>
    private async Task SleepUntilBusyAsync(CancellationToken cancellation)
    {
        var barrierPoll = _options.Poll;
        while (true)
        {
            // Asked before the fold: what commits in between is folded here, or brings its own NOTIFY.
            var noneSilent = await SilentWritersEndedAsync(cancellation);
            if (await DrainAsync(cancellation) > 0)
            {
                await Task.Delay(_options.Poll, _time, cancellation);
                if (await DrainAsync(cancellation) > 0)
                    return;
            }

            barrierPoll = barrierPoll * 2 < LongestBarrierPoll ? barrierPoll * 2 : LongestBarrierPoll;
            await WaitForWriterAsync(noneSilent, noneSilent ? Sweep : barrierPoll, cancellation);
        }
    }

    private async Task PollUntilIdleAsync(CancellationToken cancellation)
    {
        LogAwake(_logger);
        var lastWork = _time.GetTimestamp();
        var lastRenewal = lastWork;
        await ExecuteAsync(Awake, cancellation);
        while (_time.GetElapsedTime(lastWork) < _options.Idle)
        {
            await Task.Delay(_options.Poll, _time, cancellation);
            if (await DrainAsync(cancellation) > 0)
                lastWork = _time.GetTimestamp();
            if (_time.GetElapsedTime(lastRenewal) >= RenewAwake)
            {
                await ExecuteAsync(Awake, cancellation);
                lastRenewal = _time.GetTimestamp();
            }
        }
    }

    /// <summary>
    /// From the call on, writers notify. Those that looked before it have an id below one taken after it (a snapshot's
    /// xmax would not do: it follows the last id that ended, not the last that was given out). Sleep is safe when all have ended.
    /// </summary>
    private async Task FallAsleepAsync(CancellationToken cancellation)
    {
        await ExecuteAsync("SELECT setval('usage_rollup_awake_until', 0)", cancellation);
        _silentBelow = await ReadXidAsync("SELECT pg_current_xact_id()", cancellation);
        LogAsleep(_logger);
    }

    private async Task<bool> SilentWritersEndedAsync(CancellationToken cancellation)
    {
        if (_silentBelow is { } barrier
            && await ReadXidAsync("SELECT pg_snapshot_xmin(pg_current_snapshot())", cancellation) >= barrier)
        {
            _silentBelow = null;
        }

        return _silentBelow is null;
    }

    // A notification that came with another command's answer has been seen already: do not wait for the next.
    private async Task WaitForWriterAsync(bool noneSilent, TimeSpan timeout, CancellationToken cancellation)
    {
        if (!_notified)
        {
            _status.Sleep();
            var isFirstChange = await _connection.WaitAsync(timeout, cancellation) && noneSilent;
            _status.Wake(isFirstChange);
        }

        _notified = false;
    }

    private async Task<long> DrainAsync(CancellationToken cancellation)
    {
        var copied = await _mirror.CopyAsync(cancellation);
        var start = Stopwatch.GetTimestamp();
        var folded = await _fold.DrainAsync(cancellation);
        var elapsed = Stopwatch.GetElapsedTime(start);
        if (folded > 0)
        {
            _metrics.Folded(folded, elapsed);
            LogFolded(_logger, folded, elapsed.TotalMilliseconds);
        }

        return copied + folded;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<ulong> ReadXidAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        return (ulong)(await command.ExecuteScalarAsync(cancellation))!;
    }

    [LoggerMessage(2006, LogLevel.Information, "Rollup: made all totals anew, with days and hours of {TimeZone}")]
    private static partial void LogZone(ILogger logger, string timeZone);

    [LoggerMessage(2003, LogLevel.Debug, "Rollup: folded {Deltas} deltas in {ElapsedMs:0.0} ms")]
    private static partial void LogFolded(ILogger logger, long deltas, double elapsedMs);

    [LoggerMessage(2004, LogLevel.Debug, "Rollup: busy, polling; writers stay silent")]
    private static partial void LogAwake(ILogger logger);

    [LoggerMessage(2005, LogLevel.Debug, "Rollup: idle, asleep until a writer notifies")]
    private static partial void LogAsleep(ILogger logger);
}
