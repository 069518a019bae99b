using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>What one variant did with one number of viewers.</summary>
/// <param name="Variant">Its name.</param>
/// <param name="Viewers">Number of viewers.</param>
/// <param name="Changes">Number of isolated changes.</param>
/// <param name="P50">Commit to new content at the viewer, in milliseconds: half of all.</param>
/// <param name="P99">The same, 99 of 100.</param>
/// <param name="Last">The same, the last viewer of a change: the middle one of all changes.</param>
/// <param name="Missed">Viewers that did not show a change within the patience, over all changes.</param>
/// <param name="Queries">Page queries for each change.</param>
/// <param name="CpuMs">The site's processor time for each change, in milliseconds.</param>
/// <param name="DatabaseCpuMs">PostgreSQL's.</param>
/// <param name="IdleCpu">The site's processor time while nothing changes, in percent of one core.</param>
/// <param name="IdleMemory">Resident memory for each viewer, idle before the first change, in KB.</param>
/// <param name="UsedMemory">The same after the changes, with kept-alive connections.</param>
/// <param name="Bytes">Bytes received by a viewer for each change.</param>
/// <param name="IdleBytes">Bytes received by a viewer each second while nothing changes.</param>
internal sealed record ComparisonResult(
    string Variant, int Viewers, int Changes, double P50, double P99, double Last, int Missed, double Queries, double CpuMs,
    double DatabaseCpuMs, double IdleCpu, double IdleMemory, double UsedMemory, double Bytes, double IdleBytes)
{
    /// <summary>Prints all results as one table.</summary>
    internal static void Print(IReadOnlyList<ComparisonResult> results)
    {
        Report.Print(
            ["viewers", "variant", "p50 ms", "p99 ms", "last ms", "queries", "site CPU ms", "× ours", "µs/viewer", "DB CPU ms", "idle CPU %", "idle KB", "used KB", "bytes", "idle B/s"],
            results.Select(result => result.Cells(results.FirstOrDefault(r => r.Viewers == result.Viewers && r.Variant == "ours"))));
        Console.WriteLine("Per change: p50/p99/last = commit to new content at the viewer; queries, CPU, bytes. KB = resident memory for each viewer.");
    }

    private string[] Cells(ComparisonResult? ours) =>
    [
        Report.N(Viewers), Missed == 0 ? Variant : $"{Variant} ({Report.N(Missed)} late)", Report.N(P50), Report.N(P99), Report.N(Last), Report.N(Queries), Report.N(CpuMs),
        ours is null ? "" : Report.N((CpuMs + DatabaseCpuMs) / (ours.CpuMs + ours.DatabaseCpuMs), 2), Report.N(CpuMs * 1000 / Viewers), Report.N(DatabaseCpuMs), Report.N(IdleCpu, 2),
        Report.N(IdleMemory, 1), Report.N(UsedMemory, 1), Report.N(Bytes), Report.N(IdleBytes, 1),
    ];
}
