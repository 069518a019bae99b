using System.Diagnostics;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>How old what is shown is: the time since rows were acknowledged that it lacks.</summary>
internal sealed class Staleness
{
    private readonly Queue<(long At, long Rows)> _acknowledged = new();
    private readonly List<double> _quiet = [];

    /// <summary>Looks without a fault, in seconds.</summary>
    internal IReadOnlyList<double> Quiet => _quiet;

    /// <summary>The worst with a fault, or right after one, in seconds.</summary>
    internal double WorstInFaults { get; private set; }

    /// <summary>Looks once.</summary>
    /// <param name="acknowledged">Rows acknowledged by now.</param>
    /// <param name="shown">Rows that the viewer who is most behind shows.</param>
    /// <param name="isCovered">Whether there is a fault.</param>
    internal void Look(long acknowledged, long shown, bool isCovered)
    {
        var now = Stopwatch.GetTimestamp();
        _acknowledged.Enqueue((now, acknowledged));
        while (_acknowledged.TryPeek(out var oldest) && oldest.Rows <= shown)
            _acknowledged.Dequeue();
        var seconds = _acknowledged.TryPeek(out var missing) ? Stopwatch.GetElapsedTime(missing.At, now).TotalSeconds : 0;
        if (isCovered)
            WorstInFaults = Math.Max(WorstInFaults, seconds);
        else
            _quiet.Add(seconds);
    }
}
