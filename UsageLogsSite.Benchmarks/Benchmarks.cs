using UsageLogsSite.Benchmarks.Live;
using UsageLogsSite.Benchmarks.Live.Servers;

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
                await Comparison.RunAsync(new ComparisonOptions(["ours"], [10_000], FilterSets: 1), interrupted.Token);
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
                await Comparison.RunAsync(options, interrupted.Token);
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
