using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>PostgreSQL's own load generator, which comes with the server.</summary>
internal static partial class PgBench
{
    /// <summary>One row, of any user or always of the same one.</summary>
    internal static string OneRow(bool isHot) => $"""
        \set u random(1, {(isHot ? "1" : ":users")})
        INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd)
            VALUES (format('00000000-0000-4000-8000-%s', lpad(:u::int::text, 12, '0'))::uuid, 'sage-3', 100, 50, 1.5, 0.0025);
        """;

    /// <summary>A transaction of two statements, each with many rows of overlapping users.</summary>
    internal static string TwoBatches(int rows)
    {
        var batch = $"""
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd)
                SELECT format('00000000-0000-4000-8000-%s', lpad((1 + floor(random() * :users::int))::int::text, 12, '0'))::uuid, 'sage-3', 100, 50, 1.5, 0.0025
                FROM generate_series(1, {rows});
            """;
        return $"BEGIN;\n{batch}\n{batch}\nEND;\n";
    }

    /// <summary>Runs a script for a while.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="script">What each client repeats.</param>
    /// <param name="clients">Concurrent clients.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="users">The script's variable of this name.</param>
    /// <param name="rate">Transactions a second in all; null for as many as will go.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    internal static async Task<PgBenchResult> RunAsync(
        string connectionString, string script, int clients, int seconds, int users, int? rate, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("usage-logs-site-pgbench-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "script.sql"), script, cancellation);
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            string N(int number) => number.ToString(CultureInfo.InvariantCulture);
            var start = new ProcessStartInfo(
                Find(),
                [
                    "-n", "-M", "prepared", "-h", settings.Host!, "-p", N(settings.Port), "-U", settings.Username!, "-c", N(clients), "-j", N(Math.Min(clients, 2)),
                    "-T", N(seconds), "-D", $"users={N(users)}", "-f", "script.sql", "-l", "--sampling-rate=0.2", "--failures-detailed",
                    .. rate is { } r ? ["-R", N(r)] : Array.Empty<string>(), settings.Database!,
                ])
            {
                WorkingDirectory = directory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["PGPASSWORD"] = settings.Password;
            using var process = Process.Start(start)!;
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
            try
            {
                await process.WaitForExitAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                throw;
            }

            return process.ExitCode == 0
                ? Read(await output, Latencies(directory))
                : throw new InvalidOperationException($"pgbench ended with {process.ExitCode}: {await errors}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Beside the server's programs, of which there may be only links on the PATH.
    private static string Find()
    {
        var server = PostgresBinaries.Find()["postgres"];
        var real = File.ResolveLinkTarget(server, returnFinalTarget: true)?.FullName ?? server;
        return Path.Combine(Path.GetDirectoryName(real)!, "pgbench");
    }

    // A line of the log: client, transaction, time in microseconds or why it failed, …
    private static List<double> Latencies(string directory) =>
    [
        .. from file in Directory.EnumerateFiles(directory, "pgbench_log.*")
           from line in File.ReadLines(file)
           let fields = line.Split(' ')
           where double.TryParse(fields[2], CultureInfo.InvariantCulture, out _)
           select double.Parse(fields[2], CultureInfo.InvariantCulture) / 1000,
    ];

    private static PgBenchResult Read(string output, List<double> latencies)
    {
        double Number(Regex pattern) => pattern.Match(output) is { Success: true } match
            ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench answered: {output}");
        return new PgBenchResult(
            Number(Tps()), Percentile.Of(latencies, 0.5), Percentile.Of(latencies, 0.99), (long)Number(Failed()), (long)Number(Deadlocks()));
    }

    [GeneratedRegex(@"tps = ([\d.]+) ")]
    private static partial Regex Tps();

    [GeneratedRegex(@"number of failed transactions: (\d+)")]
    private static partial Regex Failed();

    [GeneratedRegex(@"number of deadlock failures: (\d+)")]
    private static partial Regex Deadlocks();
}

/// <summary>What a run did.</summary>
/// <param name="Tps">Transactions a second.</param>
/// <param name="P50">Time of a transaction in milliseconds: half of all took less.</param>
/// <param name="P99">99 of 100 took less.</param>
/// <param name="Failed">Transactions that failed.</param>
/// <param name="Deadlocks">Those among them that were the victim of a deadlock.</param>
internal sealed record PgBenchResult(double Tps, double P50, double P99, long Failed, long Deadlocks);
