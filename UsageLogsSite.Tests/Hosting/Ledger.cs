using System.Diagnostics;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>Writes one user's logs at a steady pace, and knows how old the news is that somebody has not seen.</summary>
internal sealed class Ledger(PostgresDatabase database, Guid user)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly List<long> _committed = [];

    /// <summary>How many logs are committed.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _committed.Count;
        }
    }

    /// <summary>Writes until it is stopped.</summary>
    internal async Task WriteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pace);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                await database.AddLogAsync(user);
                lock (_gate)
                    _committed.Add(Stopwatch.GetTimestamp());
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Enough is written.
        }
    }

    /// <summary>For how long the oldest log that is not among those shown has been committed; zero if all are shown.</summary>
    internal TimeSpan StalenessOf(int shown)
    {
        lock (_gate)
            return shown < _committed.Count ? Stopwatch.GetElapsedTime(_committed[shown]) : TimeSpan.Zero;
    }
}
