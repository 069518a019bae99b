using System.Diagnostics;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>A little of a long day: readers, writers and faults on two instances, in processes of their own. <c>./test.sh --long</c> has half an hour of it.</summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Under_load_and_faults_nothing_is_lost_nobody_is_left_behind()
    {
        string[] load = ["--seconds", "36", "--fault-every", "12", "--viewers", "40", "--rate", "40"];
        var soak = await ProcessRun.OfAsync(new ProcessStartInfo(
            "dotnet", ["run", "--no-build", "--project", Path.Combine(Repository.Root, "UsageLogsSite.Benchmarks"), "--", "soak", .. load]));
        var lines = soak.Output.Split('\n');
        output.WriteLine(soak.Output);
        Assert.True(soak.ExitCode is 0 or 1, soak.Error);

        // What times out because tests beside it take the processor is no error of the site's: the long run, alone, judges errors and memory too.
        Assert.All(
            new[] { "rows acknowledged", "rollup verify", "viewers who are right" },
            goal => Assert.Contains(lines, line => line.StartsWith("ok ", StringComparison.Ordinal) && line.Contains(goal, StringComparison.Ordinal)));
    }
}
