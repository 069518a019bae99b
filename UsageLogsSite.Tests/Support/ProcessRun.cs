using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace UsageLogsSite.Tests.Support;

/// <summary>A program that ran to its end.</summary>
/// <param name="ExitCode">How it ended.</param>
/// <param name="Output">What it printed.</param>
/// <param name="Error">What it printed as errors.</param>
internal sealed record ProcessRun(int ExitCode, string Output, string Error)
{
    /// <summary>Runs a program; where the test ends before, it is killed with all that it started.</summary>
    /// <param name="start">What is run.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="cancellation">Ends it; null for the test's own.</param>
    internal static async Task<ProcessRun> OfAsync(ProcessStartInfo start, string input = "", CancellationToken? cancellation = null)
    {
        var ended = cancellation ?? TestContext.Current.CancellationToken;
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        using var process = Process.Start(start)!;
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(ended), process.StandardError.ReadToEndAsync(ended));
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(ended);
            return new(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>What it printed.</returns>
    internal static async Task<string> OutputAsync(ProcessStartInfo start, string input = "", CancellationToken? cancellation = null)
    {
        var ran = await OfAsync(start, input, cancellation);
        Assert.True(ran.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {ran.ExitCode}:\n{ran.Output}\n{ran.Error}");
        return ran.Output;
    }

    /// <summary>One of PostgreSQL's own programs, for a database.</summary>
    internal static ProcessStartInfo PostgresClient(string program, string connectionString, params string[] args)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(
            program, ["-h", settings.Host!, "-p", settings.Port.ToString(CultureInfo.InvariantCulture), "-U", settings.Username!, "-d", settings.Database!, .. args]);
        start.Environment["PGPASSWORD"] = settings.Password;
        return start;
    }
}
