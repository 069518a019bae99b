using System.Collections.Concurrent;
using System.Diagnostics;

namespace UsageLogsSite.Rollup;

/// <summary>What an admin can have done with the totals.</summary>
internal enum RollupJobKind
{
    /// <summary>Compares them with the raw tables.</summary>
    Verify,

    /// <summary>Makes them anew.</summary>
    Rebuild,
}

/// <summary>One run of a job: one task writes, any number of requests read.</summary>
/// <param name="kind">What is done.</param>
/// <param name="startedAt">When it began, in UTC.</param>
internal sealed class RollupJob(RollupJobKind kind, DateTime startedAt)
{
    /// <summary>Differences that are remembered; all are counted.</summary>
    internal const int MostDifferences = 1_000;

    private readonly ConcurrentQueue<TotalsDifference> _differences = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _count;
    private long _compared;
    private long _pending;
    private volatile Outcome? _outcome;

    internal RollupJobKind Kind => kind;

    internal DateTime StartedAt => startedAt;

    internal bool IsRunning => _outcome is null;

    /// <summary>How long it took, or has taken so far.</summary>
    internal TimeSpan Elapsed => _outcome?.Elapsed ?? Stopwatch.GetElapsedTime(_start);

    /// <summary>Why it ended without a result, for people; null if it did not.</summary>
    internal string? Failure => _outcome?.Failure;

    /// <summary>The first differences found.</summary>
    internal IReadOnlyCollection<TotalsDifference> Differences => _differences;

    /// <summary>Number of differences found so far.</summary>
    internal long DifferenceCount => Interlocked.Read(ref _count);

    /// <summary>Rows of totals compared so far.</summary>
    internal long Compared => Interlocked.Read(ref _compared);

    /// <summary>Changes that were not folded yet, and counted in.</summary>
    internal long Pending => Interlocked.Read(ref _pending);

    internal void Found(TotalsDifference difference)
    {
        if (Interlocked.Increment(ref _count) <= MostDifferences)
            _differences.Enqueue(difference);
    }

    internal void Progress(TotalsCheck check)
    {
        Interlocked.Exchange(ref _compared, check.Compared);
        Interlocked.Exchange(ref _pending, check.Pending);
    }

    internal void End(string? failure) => _outcome = new Outcome(Stopwatch.GetElapsedTime(_start), failure);

    private sealed record Outcome(TimeSpan Elapsed, string? Failure);
}
