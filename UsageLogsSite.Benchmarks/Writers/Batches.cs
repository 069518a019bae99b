using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>Transactions of two statements with many users each, all at once: who waits for whom.</summary>
internal static class Batches
{
    private const int Rows = 500;
    private const int Clients = 8;

    internal static async Task RunAsync(WritersOptions options, CancellationToken cancellation)
    {
        await using var databases = await WriterDatabases.StartAsync(options, cancellation);
        var turns = options.Variants.ToDictionary(v => v, _ => new List<PgBenchResult>());
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var (variant, results) in turns)
            {
                results.Add(await PgBench.RunAsync(databases.To(variant), PgBench.TwoBatches(Rows), Clients, options.Seconds, options.Users, rate: null, cancellation));
                await databases.SettleAsync(cancellation);
            }
        }

        Report.Print(
            ["variant", "rows/s", "p50 ms", "p99 ms", "failed", "by deadlock"],
            turns.Select(t => (string[])
            [
                t.Key, Report.N(2 * Rows * Percentile.Of([.. t.Value.Select(r => r.Tps)], 0.5)), Report.N(Percentile.Of([.. t.Value.Select(r => r.P50)], 0.5)),
                Report.N(Percentile.Of([.. t.Value.Select(r => r.P99)], 0.5)), Report.N(t.Value.Sum(r => r.Failed)), Report.N(t.Value.Sum(r => r.Deadlocks)),
            ]));
        Console.WriteLine($"{Clients} clients, two statements of {Rows} rows of {options.Users} users a transaction, {options.Rounds} turns of {options.Seconds} s each.");
    }
}
