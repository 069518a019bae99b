using System.Diagnostics;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>When faults were, and what went wrong while there was none: only that is anybody's fault.</summary>
internal sealed class FaultLog
{
    /// <summary>How long after a fault its effects may be felt.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _made = [];
    private readonly Dictionary<string, int> _expected = [];
    private readonly List<string> _unexpected = [];
    private int _under;
    private long? _lastEnd;

    /// <summary>How often each kind of fault was made.</summary>
    internal IReadOnlyDictionary<string, int> Made => _made;

    /// <summary>What went wrong during faults and soon after, by kind.</summary>
    internal IReadOnlyDictionary<string, int> Expected => _expected;

    /// <summary>What went wrong at any other time.</summary>
    internal IReadOnlyList<string> Unexpected
    {
        get
        {
            lock (_gate)
                return [.. _unexpected];
        }
    }

    /// <summary>Whether there is a fault, or was one just now.</summary>
    internal bool IsCovered
    {
        get
        {
            lock (_gate)
                return _under > 0 || (_lastEnd is { } end && Stopwatch.GetElapsedTime(end) < Aftermath);
        }
    }

    /// <summary>Makes a fault.</summary>
    /// <param name="name">Its kind.</param>
    /// <param name="fault">Ends when the fault has.</param>
    internal async Task MakeAsync(string name, Func<Task> fault)
    {
        lock (_gate)
        {
            _under++;
            _made[name] = _made.GetValueOrDefault(name) + 1;
        }

        try
        {
            await fault();
        }
        finally
        {
            lock (_gate)
            {
                _under--;
                _lastEnd = Stopwatch.GetTimestamp();
            }
        }
    }

    /// <summary>Notes that something went wrong.</summary>
    /// <param name="kind">What, in the same words each time.</param>
    /// <param name="details">What it said.</param>
    internal void Note(string kind, string details)
    {
        var isCovered = IsCovered;
        lock (_gate)
        {
            if (isCovered)
                _expected[kind] = _expected.GetValueOrDefault(kind) + 1;
            else
                _unexpected.Add($"{DateTime.UtcNow:HH:mm:ss} {kind}: {details}");
        }
    }
}
