using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>What a commit costs beside other ways to notice it: each variant in turn, round after round, medians.</summary>
internal static class Comparison
{
    private static readonly string[] Titles = ["variant", "clients", "users", "commits/s", "of bare", "least", "most", "p50 ms", "p99 ms", "failed"];

    internal static async Task RunAsync(WritersOptions options, CancellationToken cancellation)
    {
        await using var databases = await WriterDatabases.StartAsync(options, cancellation);
        var turns = new List<(Load Load, string Variant, PgBenchResult Result)>();
        var loads = (from clients in options.Clients from isHot in (bool[])[false, true] select new Load(clients, isHot)).ToList();
        await WarmUpAsync(databases, options, cancellation);
        for (var round = 1; round <= options.Rounds; round++)
        {
            Console.WriteLine($"round {round} of {options.Rounds} …");
            foreach (var load in loads)
            {
                foreach (var variant in options.Variants)
                    turns.Add((load, variant, await TurnAsync(databases, variant, load, options, cancellation)));
            }
        }

        Report.Print(Titles, from load in loads from variant in options.Variants select Cells(load, variant, turns));
        Console.WriteLine($"Single-row commits, medians of {options.Rounds} turns of {options.Seconds} s each; {(options.IsStock ? "PostgreSQL as it comes" : "512 MB of buffers")}, fsync on.");
    }

    private static async Task WarmUpAsync(WriterDatabases databases, WritersOptions options, CancellationToken cancellation)
    {
        foreach (var variant in options.Variants)
            await PgBench.RunAsync(databases.To(variant), PgBench.OneRow(isHot: false), clients: 8, seconds: 2, options.Users, rate: null, cancellation);
        await databases.SettleAsync(cancellation);
    }

    /// <summary>One turn, with the VACUUM that it causes: else that would fall into another variant's turn.</summary>
    private static async Task<PgBenchResult> TurnAsync(WriterDatabases databases, string variant, Load load, WritersOptions options, CancellationToken cancellation)
    {
        var running = PgBench.RunAsync(databases.To(variant), PgBench.OneRow(load.IsHot), load.Clients, options.Seconds, options.Users, rate: null, cancellation);
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds / 2.0), cancellation);
        if (Variant.All.Single(v => v.Name == variant).Churned is { Length: > 0 } tables)
            await Cluster.ExecuteAsync(databases.To(variant), $"VACUUM {tables}", cancellation);
        var result = await running;
        if (variant == Variant.Ours)
            await databases.SettleAsync(cancellation);
        return result;
    }

    private static string[] Cells(Load load, string variant, List<(Load Load, string Variant, PgBenchResult Result)> turns)
    {
        List<PgBenchResult> Of(string name) => [.. turns.Where(t => t.Load == load && t.Variant == name).Select(t => t.Result)];
        static double Median(IEnumerable<double> values) => Percentile.Of([.. values], 0.5);
        var (own, bare) = (Of(variant), Of("bare"));
        var tps = Median(own.Select(r => r.Tps));
        return
        [
            variant, Report.N(load.Clients), load.IsHot ? "one" : "all", Report.N(tps), bare.Count == 0 ? "–" : Report.Share(tps, Median(bare.Select(r => r.Tps))),
            Report.N(own.Min(r => r.Tps)), Report.N(own.Max(r => r.Tps)),
            Report.N(Median(own.Select(r => r.P50)), 2), Report.N(Median(own.Select(r => r.P99)), 2), Report.N(own.Sum(r => r.Failed)),
        ];
    }

    /// <param name="Clients">Concurrent clients.</param>
    /// <param name="IsHot">Whether they all write for one user.</param>
    private sealed record Load(int Clients, bool IsHot);
}
