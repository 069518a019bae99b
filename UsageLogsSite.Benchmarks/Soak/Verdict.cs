using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>What came of a soak, held against its goals.</summary>
/// <param name="options">What was run.</param>
/// <param name="log">Faults and what went wrong.</param>
/// <param name="staleness">How old pages were.</param>
/// <param name="memory">Resident memory of the watched site each second, in MB.</param>
internal sealed class Verdict(SoakOptions options, FaultLog log, Staleness staleness, IReadOnlyList<double> memory)
{
    private const int MostShown = 20;

    /// <summary>Rows that the site said it stored.</summary>
    internal required long Acknowledged { get; init; }

    /// <summary>Rows that are there.</summary>
    internal required long Stored { get; init; }

    /// <summary>Rows over HTTP in a second.</summary>
    internal required double RowsPerSecond { get; init; }

    /// <summary>Viewers who show the final state.</summary>
    internal required int Right { get; init; }

    /// <summary>Why viewers gave up.</summary>
    internal required IReadOnlyList<Exception> GivenUp { get; init; }

    /// <summary>Whether totals equal the raw tables.</summary>
    internal required bool IsExact { get; init; }

    /// <summary>How much more memory the last third may take than the second; null where it is not judged.</summary>
    internal required double? MostGrowth { get; init; }

    private double Growth => Third(2) / Third(1) - 1;

    /// <summary>Prints figures, and what failed.</summary>
    /// <returns>Whether every goal was reached.</returns>
    internal bool Print()
    {
        Console.WriteLine($"{options.Viewers} viewers, {Report.N(RowsPerSecond)} rows/s over HTTP beside changes by SQL, for {Report.N(options.Length.TotalSeconds)} s, two instances");
        Console.WriteLine($"faults: {Counts(log.Made)}");
        Console.WriteLine($"during them: {Counts(log.Expected)}");
        Console.WriteLine($"the viewer most behind, without a fault: p50 {Report.N(Percentile.Of(staleness.Quiet, 0.5), 2)} s, p99 {Report.N(Percentile.Of(staleness.Quiet, 0.99), 2)} s, worst {Report.N(staleness.Quiet.DefaultIfEmpty(double.NaN).Max(), 2)} s; with one: worst {Report.N(staleness.WorstInFaults, 1)} s");
        Console.WriteLine($"memory of the watched site, median of each third: {Report.N(Third(0))}, {Report.N(Third(1))}, {Report.N(Third(2))} MB ({Report.N(100 * Growth, 1)} %)");
        return new[]
        {
            Judge(Acknowledged == Stored, $"rows acknowledged: {Acknowledged:N0}, stored: {Stored:N0}"),
            Judge(IsExact, "rollup verify: totals equal the raw tables"),
            Judge(Right == options.Viewers && GivenUp.Count == 0, $"viewers who are right in the end: {Right} of {options.Viewers}; gave up: {string.Join("; ", GivenUp.Take(3).Select(e => e.Message))}"),
            Judge(log.Unexpected.Count == 0, $"errors that are no fault's: {log.Unexpected.Count}{string.Concat(log.Unexpected.Take(MostShown).Select(e => "\n      " + e))}"),
            MostGrowth is not { } most || Judge(Math.Abs(Growth) <= most, $"memory of the last third within {Report.N(100 * most)} % of the second's"),
        }.All(reached => reached);
    }

    private static bool Judge(bool isReached, string goal)
    {
        Console.WriteLine($"{(isReached ? "ok  " : "MISS")}  {goal}");
        return isReached;
    }

    private static string Counts(IReadOnlyDictionary<string, int> counts) => string.Join("; ", counts.OrderByDescending(c => c.Value).Select(c => $"{c.Key} {c.Value} ×"));

    private double Third(int number) => Percentile.Of([.. memory.Skip(number * memory.Count / 3).Take(memory.Count / 3)], 0.5);
}
