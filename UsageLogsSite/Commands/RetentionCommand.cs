using System.CommandLine;
using System.Diagnostics;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Commands;

/// <summary><c>retention</c>: drops the logs of old months and keeps their sums.</summary>
internal static class RetentionCommand
{
    private static readonly Option<RetentionPeriod> Keep = new("--keep")
    {
        Description = "Months to keep before the current one, as in 13-months.",
        HelpName = "months",
        Required = true,
        CustomParser = argument =>
        {
            var text = argument.Tokens[0].Value;
            if (RetentionPeriod.Parse(text) is { } period)
                return period;
            argument.AddError($"--keep is '{text}'; allowed is {RetentionPeriod.Allowed}.");
            return default;
        },
    };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only shows what would go." };

    internal static Command Create(string[] settings)
    {
        var command = new Command(
            "retention",
            "Drops the usage logs of old months, while writers write, and keeps what they add up to for each user and quarter of an hour: totals stay what they are.")
        {
            Keep, DryRun,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            await RunAsync(host, parsed.GetRequiredValue(Keep), parsed.GetValue(DryRun), parsed.InvocationConfiguration.Output, cancellation);
            return CommandLine.Done;
        });
        return command;
    }

    private static async Task RunAsync(CommandHost host, RetentionPeriod keep, bool isDryRun, TextWriter output, CancellationToken cancellation)
    {
        var retention = new LogRetention(host.Owner, host.Time);
        var plan = await retention.PlanAsync(keep, cancellation);
        if (plan.IsEmpty)
        {
            await output.WriteLineAsync($"No log is older than {plan.Cut:yyyy-MM-dd} (UTC): nothing to drop.");
            return;
        }

        await output.WriteLineAsync($"Logs made before {plan.Cut:yyyy-MM-dd} (UTC) {(isDryRun ? "would go" : "go")}, their sums stay:");
        if (isDryRun)
        {
            foreach (var partition in plan.Partitions)
                await output.WriteLineAsync($"{partition.Name,-24} about {partition.Rows,13:N0} logs {partition.Bytes / 1e6,10:N1} MB");
            if (plan.Strays > 0)
                await output.WriteLineAsync($"{Partitions.Default,-24}       {plan.Strays,13:N0} logs");
            await output.WriteLineAsync("Nothing was dropped.");
            return;
        }

        var start = Stopwatch.GetTimestamp();
        var logs = await retention.RunAsync(plan, (partition, count) => output.WriteLine($"{partition,-24} {count,13:N0} logs"), cancellation);
        await output.WriteLineAsync($"{logs:N0} logs of {plan.Partitions.Count} partitions were dropped in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s; their sums are kept.");
    }
}
