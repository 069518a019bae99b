using System.Data.Common;
using System.Net.Sockets;

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
}
