using System.CommandLine;
using System.Diagnostics;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Commands;

/// <summary><c>rollup rebuild</c>: makes all totals anew from the raw tables.</summary>
internal static class RollupRebuildCommand
{
    internal static Command Create(string[] settings)
    {
        var command = new Command(
            "rebuild",
            "Makes all totals anew from the raw tables, in one transaction, while writers write and readers read. A running site does it; where none runs, this command.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            await RunAsync(host, parsed.InvocationConfiguration.Output, cancellation);
            return CommandLine.Done;
        });
        return command;
    }

    /// <summary>Rebuilds, and says how it goes.</summary>
    internal static async Task RunAsync(CommandHost host, TextWriter output, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        await output.WriteLineAsync("Rebuilding all totals from the raw tables …");
        await using var connection = await host.Databases.Rollup.OpenConnectionAsync(cancellation);
        await new Catchup(connection, host.Rollup, host.TimeZone, host.Time).RebuildAsync(() => output.WriteLine("A running site does it."), cancellation);
        await output.WriteLineAsync($"Totals were rebuilt in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s.");
    }
}
