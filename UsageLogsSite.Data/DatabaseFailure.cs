using System.Data.Common;

namespace UsageLogsSite.Data;

/// <summary>Tells failures of the database from failures of the program.</summary>
public static class DatabaseFailure
{
    /// <summary>Whether an exception says that the database could not be reached, refused or took too long.</summary>
    /// <param name="exception">What was thrown; EF Core wraps passing failures in an <see cref="InvalidOperationException"/>.</param>
    /// <returns>True if the database, not the program, is to blame.</returns>
    public static bool Is(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception is DbException or TimeoutException
            || (exception is InvalidOperationException { InnerException: { } inner } && Is(inner));
    }
}
