using System.CommandLine;
using System.Diagnostics;
using UsageLogsSite.Attach;

namespace UsageLogsSite.Commands;

/// <summary><c>attach</c>: makes the site's tables copies of tables that exist already.</summary>
internal static class AttachCommand
{
    private static readonly Option<FileInfo?> Map = new("--map") { Description = "A JSON file: which tables, and how their rows become ours; see docs/attach.md.", HelpName = "file" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only prints the SQL." };

    private static readonly Option<int> Wait = new("--wait")
    {
        Description = "How long to wait for changes that are not copied yet, from when the last one was.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 10,
    };

    internal static Command Create(string[] settings)
    {
        var command = new Command("attach", "Uses the site with tables that exist already, under other names, columns and types: keeps copies of them, while writers write.")
        {
            Map, DryRun, Verify(settings), Retry(settings), Sweep(settings),
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(Map) is not { } file)
                throw new AttachException("--map is missing: a file that says which tables, and how; an example is in docs/attach.md.");
            if (!file.Exists)
                throw new AttachException($"There is no file {file.FullName}.");
            var maps = TableMap.Read(await File.ReadAllTextAsync(file.FullName, cancellation));
            await using var host = await CommandHost.OpenAsync(settings, Schema.AsTheSite, cancellation);
            var attachment = new Attachment(host.Owner, host.Time);
            var tables = await attachment.PlanAsync(maps, cancellation);
            if (parsed.GetValue(DryRun))
                await parsed.InvocationConfiguration.Output.WriteAsync(attachment.Script(tables));
            else
                await AttachAsync(attachment, tables, parsed.InvocationConfiguration.Output, cancellation);
            return CommandLine.Done;
        });
        return command;
    }

    private static async Task AttachAsync(Attachment attachment, IReadOnlyList<AttachedTable> tables, TextWriter output, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var table in tables)
            await output.WriteLineAsync($"{table.Target} becomes a copy of {table.Source.Name} …");
        var (copied, failed) = await attachment.AttachAsync(tables, all => output.WriteLine($"{all,13:N0} rows looked at"), cancellation);
        await output.WriteLineAsync($"Attached in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s: {copied:N0} rows looked at. A running site keeps the copies up to date.");
        if (failed > 0)
            await output.WriteLineAsync("Some rows could not be copied: 'attach verify' lists them, with the reasons.");
    }

    private static Command Verify(string[] settings)
    {
        var command = new Command(
            "verify",
            "Compares the copies with the product's tables, at one moment and exactly, while writers write. The exit code is 0 only if every row is the same, or was copied soon after that moment.")
        {
            Wait,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            var output = parsed.InvocationConfiguration.Output;
            List<MirrorResult> compared = [];
            await foreach (var result in new MirrorCheck(host.Owner).CompareAsync(cancellation))
            {
                compared.Add(result);
                foreach (var line in result.Lines)
                    await output.WriteLineAsync($"{result.Target} {line}");
                await output.WriteLineAsync(
                    $"{result.Target}: {result.Compared:N0} rows of {result.Source} compared, {result.Differences:N0} differ, {result.Failed:N0} could not be copied, {result.Pending:N0} changes not copied yet.");
            }

            var complaint = await new MirrorWait(host.Owner, host.Time).RunAsync(compared, TimeSpan.FromSeconds(parsed.GetValue(Wait)), cancellation);
            if (complaint is not null)
                await output.WriteLineAsync(complaint);
            return complaint is null && compared.All(result => result is { Differences: 0, Failed: 0 }) ? CommandLine.Done : CommandLine.Found;
        });
        return command;
    }

    private static Command Retry(string[] settings)
    {
        var command = new Command("retry", "Tries again to copy the rows that could not be copied.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            var rows = await new Attachment(host.Owner, host.Time).RetryAsync(cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{rows:N0} rows were tried again; 'attach verify' tells what became of them.");
            return CommandLine.Done;
        });
        return command;
    }

    private static Command Sweep(string[] settings)
    {
        var command = new Command("sweep", "Removes the copies of rows that are gone without a trigger having told: after a partition was dropped, detached or truncated by itself.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            var isDone = await new Attachment(host.Owner, host.Time).SweepAsync(cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(isDone ? "What is gone from the product's tables is gone from the copies." : "Some rows could not be copied: 'attach verify' lists them, with the reasons.");
            return isDone ? CommandLine.Done : CommandLine.Found;
        });
        return command;
    }
}
