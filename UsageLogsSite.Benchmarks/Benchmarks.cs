using UsageLogsSite.Benchmarks.Ingest;
using UsageLogsSite.Benchmarks.Live;
using UsageLogsSite.Benchmarks.Live.Servers;
using UsageLogsSite.Benchmarks.Page;
using UsageLogsSite.Benchmarks.Soak;
using UsageLogsSite.Benchmarks.Writers;

namespace UsageLogsSite.Benchmarks;

/// <summary>Measures, side by side in one run. Figures are ratios first: machines differ and are noisy.</summary>
internal static class Benchmarks
{
    private const string Usage = """
        dotnet run -c Release --project UsageLogsSite.Benchmarks -- COMMAND

          live [--viewers 100,1000,10000] [--variants ours,refetch,blazor,signalr,polling]
                          the live page against what else could carry it, isolated changes
          live one-view   10,000 viewers of one view
          live load       1,000 row changes a second before 1,000 viewers, for 60 s
          live restart    10,000 viewers come back after a restart
          live stalled    50 readers, alone and beside 50 that never read

          writers [--variants bare,ours,notify,upsert] [--clients 1,8,32] [--rounds 3] [--seconds 4] [--users 10000] [--server tuned|stock]
                          single-row commits by pgbench: what noticing them costs the writer
          writers --hold [--rate 5000] [--seconds 60] [--users 10000] [--server tuned|stock]
                          a steady load: commit to folded, deltas pending
          writers batches [--variants bare,ours,notify,upsert] [--rounds 3] [--seconds 4] [--users 1000]
                          transactions with many users each, all at once: deadlocks

          ingest          the ingest API with the page live, single rows and batches, beside plain SQL

          soak [--seconds 1800] [--fault-every 60] [--viewers 500] [--rate 500]
                          two instances under load with faults: nothing lost, nobody left behind, memory flat;
                          ends with 1 where a goal is missed

          page [--logs 1000000,10000000] [--users 100000] [--rounds 30] [--rival-rounds 3] [--keep DIRECTORY]
                          the page's query and request against a materialized view and aggregation on the fly;
                          --keep leaves the loaded databases for the next run
        """;

    internal static async Task<int> Main(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        using var interrupted = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            interrupted.Cancel();
        };
        switch (args)
        {
            case ["serve", var variant, .. var rest]:
                await Server.RunAsync(variant, rest);
                return 0;
            case ["live", "one-view", ..]:
                await Live.Comparison.RunAsync(new ComparisonOptions(["ours"], [10_000], FilterSets: 1), interrupted.Token);
                return 0;
            case ["live", "load", ..]:
                await Load.RunAsync(interrupted.Token);
                return 0;
            case ["live", "restart", ..]:
                await Restart.RunAsync(interrupted.Token);
                return 0;
            case ["live", "stalled", ..]:
                await Stalled.RunAsync(interrupted.Token);
                return 0;
            case ["live", .. var rest] when ComparisonOptions.TryParse(rest) is { } options:
                await Live.Comparison.RunAsync(options, interrupted.Token);
                return 0;
            case ["writers", "hold" or "--hold", .. var rest] when WritersOptions.TryParse(rest, new WritersOptions { Seconds = 60 }) is { } options:
                await Hold.RunAsync(options, interrupted.Token);
                return 0;
            case ["writers", "batches", .. var rest] when WritersOptions.TryParse(rest, new WritersOptions { Users = 1_000 }) is { } options:
                await Batches.RunAsync(options, interrupted.Token);
                return 0;
            case ["writers", .. var rest] when WritersOptions.TryParse(rest, new WritersOptions()) is { } options:
                await Writers.Comparison.RunAsync(options, interrupted.Token);
                return 0;
            case ["page", .. var rest] when PageOptions.TryParse(rest) is { } options:
                await PageBenchmark.RunAsync(options, interrupted.Token);
                return 0;
            case ["ingest"]:
                await IngestBenchmark.RunAsync(interrupted.Token);
                return 0;
            case ["soak", .. var rest] when SoakOptions.TryParse(rest) is { } options:
                return await SoakBenchmark.RunAsync(options, interrupted.Token) ? 0 : 1;
            case [.., "--help" or "-h"]:
                Console.WriteLine(Usage);
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
