using System.Data.Common;
using System.Net.Sockets;
using Npgsql;

namespace UsageLogsSite.Data;

/// <summary>Tells failures of the database from failures of the program.</summary>
public static class DatabaseFailure
{
    /// <summary>Whether an exception says that the database could not be reached, refused or took too long.</summary>
    /// <param name="exception">What was thrown; EF Core wraps passing failures in an <see cref="InvalidOperationException"/>, and a name that does not resolve is a bare <see cref="SocketException"/>.</param>
    /// <returns>True if the database, not the program, is to blame.</returns>
    public static bool Is(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception is DbException or TimeoutException or SocketException or IOException
            || (exception is InvalidOperationException { InnerException: { } inner } && Is(inner));
    }

    /// <summary>Whether an exception says only that an open connection has ended: a new one may find the server well.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>True for a server that stopped or restarted, or a connection cut on its way; false if connecting failed or an answer took too long.</returns>
    public static bool IsLostConnection(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown } => true,
        NpgsqlException { InnerException: IOException } => true,
        InvalidOperationException { InnerException: { } inner } => IsLostConnection(inner),
        _ => false,
    };

    /// <summary>Whether an exception says that a standby ended the query, or refused it, because it was in the way of replaying.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>True for a conflict with recovery; the next query may find the standby well.</returns>
    public static bool IsRecoveryConflict(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled } => true,
        InvalidOperationException { InnerException: { } inner } => IsRecoveryConflict(inner),
        _ => false,
    };
}
