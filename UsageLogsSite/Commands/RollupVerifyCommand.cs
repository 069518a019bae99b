using System.CommandLine;
using System.Diagnostics;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Commands;

/// <summary><c>rollup verify</c>: compares the totals with the raw tables, and says where they differ.</summary>
internal static class RollupVerifyCommand
{
    internal static Command Create(string[] settings)
    {
        var command = new Command(
            "verify",
            "Compares all totals with the raw tables, at one moment and exactly, while writers write. Prints every difference; the exit code is 0 only if there is none.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            return await RunAsync(host, parsed.InvocationConfiguration.Output, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandHost host, TextWriter output, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        await using var connection = await host.Owner.OpenConnectionAsync(cancellation);
        var check = new TotalsCheck(connection, host.Time);
        long differences = 0;
        await foreach (var d in check.DifferencesAsync(cancellation))
        {
            if (differences++ == 0)
                await output.WriteLineAsync(Line(new("table", "row", "column", "expected", "found")));
            await output.WriteLineAsync(Line(d));
        }

        if (check.LacksRebuild)
            await output.WriteLineAsync("A rebuild was asked for (after TRUNCATE), and no site runs that would do it: start one, or run 'rollup rebuild'.");
        var compared = $"{check.Compared:N0} rows of totals compared in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, {check.Pending:N0} changes not folded yet counted in";
        await output.WriteLineAsync(differences == 0 ? $"Totals are exact: {compared}." : $"Totals differ in {differences:N0} places: {compared}.");
        return differences == 0 ? CommandLine.Done : CommandLine.Found;
    }

    // Fixed widths instead of a table that must be known as a whole: differences are shown as they come.
    private static string Line(TotalsDifference d) => $"{d.Table,-14} {d.Key,-36} {d.Column,-18} {d.Expected,32} {d.Found,32}";
}
