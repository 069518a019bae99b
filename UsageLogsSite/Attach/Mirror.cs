using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Attach;

/// <summary>The elected instance's part of a copy: takes the keys that triggers on the product's tables have noted, and copies their rows.</summary>
internal sealed partial class Mirror
{
    /// <summary>What PostgreSQL answers (SQLSTATE) to whoever writes a copy; the message says where to write instead.</summary>
    internal const string IsCopy = "UL001";

    /// <summary>Keys of each table in one transaction: below a second's work.</summary>
    private const int Batch = 5_000;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    /// <summary>How often what waits and what failed is counted while rows are copied.</summary>
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;
    private readonly TimeProvider _time;
    private readonly RollupStatus _status;
    private readonly ILogger _logger;
    private bool? _isAttached;
    private bool _isCounted;
    private long? _failedAt;
    private long? _countedAt;
    private bool _hasChanged;

    /// <param name="connection">The fold's connection.</param>
    /// <param name="time">Times attempts.</param>
    /// <param name="status">Told whether rows can be copied, and how many wait.</param>
    /// <param name="logger">The fold's.</param>
    internal Mirror(NpgsqlConnection connection, TimeProvider time, RollupStatus status, ILogger logger)
    {
        (_connection, _time, _status, _logger) = (connection, time, status, logger);
        status.Copy(failed: false);
        status.Note((0, 0));
    }

    /// <summary>After how long to try again, whether or not somebody writes; null without trouble.</summary>
    internal TimeSpan? Retry => _failedAt is null ? null : Rest;

    /// <summary>Something has happened: tables may have been attached or detached.</summary>
    internal void LookAgain() => _isAttached = null;

    /// <summary>Copies rows for one batch of keys. Trouble with it is logged and told, and does not keep totals from being folded.</summary>
    /// <returns>Keys taken; zero when none was left, or after trouble.</returns>
    /// <exception cref="NpgsqlException">The connection is lost.</exception>
    internal async Task<long> CopyAsync(CancellationToken cancellation)
    {
        if (_failedAt is { } at && _time.GetElapsedTime(at) < Rest)
            return 0;
        for (var isSecond = false; ; isSecond = true)
        {
            try
            {
                var taken = await TryAsync(cancellation);
                _failedAt = null;
                _status.Copy(failed: false);
                return taken;
            }
            catch (PostgresException e) when (!isSecond && e.SqlState is PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedTable)
            {
                _isAttached = null; // detached, or attached anew, just now; or a table of the product's is gone
            }
            catch (PostgresException e)
            {
                _failedAt = _time.GetTimestamp();
                _status.Copy(failed: true);
                LogTrouble(_logger, Rest.TotalSeconds, e.MessageText);
                return 0;
            }
        }
    }

    private async Task<long> TryAsync(CancellationToken cancellation)
    {
        if (_isAttached is null)
        {
            _isAttached = await AttachedTargets.ExistAsync(_connection, cancellation);
            _isCounted = _isAttached is true && await AttachedTargets.AreCountedAsync(_connection, cancellation);
            _hasChanged = true; // by a command, perhaps
            if (!_isCounted)
                _status.Note(_isAttached is true ? null : (0, 0));
        }

        if (_isAttached is false)
            return 0;
        var isHeldUp = _failedAt is not null;
        if (isHeldUp)
            await CountAsync(cancellation); // before the next attempt, which may fail as well
        var (taken, failed) = await Attachment.ApplyAsync(_connection, Batch, cancellation);
        if (failed > 0)
            LogFailed(_logger, failed);
        _hasChanged |= taken > 0 || isHeldUp;
        if (_hasChanged && (failed > 0 || isHeldUp || IsCountDue(taken)))
            await CountAsync(cancellation);
        else if (taken == 0 && _status.Noted is { Pending: > 0 } noted)
            _status.Note((0, noted.Failed));
        return taken;
    }

    /// <summary>Rows that had failed may have been copied: that is looked at before the fold sleeps.</summary>
    private bool IsCountDue(long taken) =>
        _countedAt is not { } at || _time.GetElapsedTime(at) >= CountEvery || (taken == 0 && _status.Noted is { Failed: > 0 });

    private async Task CountAsync(CancellationToken cancellation)
    {
        if (!_isCounted)
            return;
        await using var command = new NpgsqlCommand($"SELECT pending, failed FROM {DatabaseSchema.Of(_connection.ConnectionString)}.attach_noted()", _connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        _status.Note((reader.GetInt64(0), reader.GetInt64(1)));
        (_countedAt, _hasChanged) = (_time.GetTimestamp(), false);
    }

    [LoggerMessage(2301, LogLevel.Warning, "Attach: {Rows} rows could not be copied; 'attach verify' lists them")]
    private static partial void LogFailed(ILogger logger, long rows);

    [LoggerMessage(2302, LogLevel.Error, "Attach: copying failed, trying again in {Seconds} s at the earliest: {Reason}")]
    private static partial void LogTrouble(ILogger logger, double seconds, string reason);
}
