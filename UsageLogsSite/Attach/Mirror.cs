using Npgsql;

namespace UsageLogsSite.Attach;

/// <summary>The elected instance's part of a copy: takes the keys that triggers on the product's tables have noted, and copies their rows.</summary>
/// <param name="connection">The fold's connection.</param>
/// <param name="time">Times attempts.</param>
/// <param name="logger">The fold's.</param>
internal sealed partial class Mirror(NpgsqlConnection connection, TimeProvider time, ILogger logger)
{
    /// <summary>What PostgreSQL answers (SQLSTATE) to whoever writes a copy; the message says where to write instead.</summary>
    internal const string IsCopy = "UL001";

    /// <summary>Keys of each table in one transaction: below a second's work.</summary>
    private const int Batch = 5_000;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private bool? _isAttached;
    private long? _failedAt;

    /// <summary>Something has happened: tables may have been attached or detached.</summary>
    internal void LookAgain() => _isAttached = null;

    /// <summary>Copies rows for one batch of keys. Trouble with it is logged, and does not keep totals from being folded.</summary>
    /// <returns>Keys taken; zero when none was left, or after trouble.</returns>
    /// <exception cref="NpgsqlException">The connection is lost.</exception>
    internal async Task<long> CopyAsync(CancellationToken cancellation)
    {
        if (_failedAt is { } at && time.GetElapsedTime(at) < Rest)
            return 0;
        _failedAt = null;
        try
        {
            _isAttached ??= await AttachedTargets.ExistAsync(connection, cancellation);
            if (_isAttached is false)
                return 0;
            var (taken, failed) = await Attachment.ApplyAsync(connection, Batch, cancellation);
            if (failed > 0)
                LogFailed(logger, failed);
            return taken;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedTable)
        {
            // Detached, or attached anew, just now.
            _isAttached = null;
            return 0;
        }
        catch (PostgresException e)
        {
            _failedAt = time.GetTimestamp();
            LogTrouble(logger, Rest.TotalSeconds, e.MessageText);
            return 0;
        }
    }

    [LoggerMessage(2301, LogLevel.Warning, "Attach: {Rows} rows could not be copied; 'attach verify' lists them")]
    private static partial void LogFailed(ILogger logger, long rows);

    [LoggerMessage(2302, LogLevel.Error, "Attach: copying failed, trying again in {Seconds} s at the earliest: {Reason}")]
    private static partial void LogTrouble(ILogger logger, double seconds, string reason);
}
