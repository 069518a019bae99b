using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>A steady load for a while: how long a commit takes to reach the totals, and whether a backlog grows.</summary>
internal static class Hold
{
    private const int Clients = 16;

    private static readonly TimeSpan ProbePause = TimeSpan.FromMilliseconds(70); // in step with no timer of the site
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    internal static async Task RunAsync(WritersOptions options, CancellationToken cancellation)
    {
        options = options with { Variants = [Variant.Ours] };
        await using var databases = await WriterDatabases.StartAsync(options, cancellation);
        var connectionString = databases.To(Variant.Ours);
        await PgBench.RunAsync(connectionString, PgBench.OneRow(isHot: false), Clients, seconds: 3, options.Users, options.Rate, cancellation); // warms up
        var cpu = databases.SiteCpu;
        var running = PgBench.RunAsync(connectionString, PgBench.OneRow(isHot: false), Clients, options.Seconds, options.Users, options.Rate, cancellation);
        var pending = CountPendingAsync(connectionString, running, cancellation);
        var delays = await ProbeAsync(connectionString, running, cancellation);
        var counts = await pending;
        var result = await running;
        cpu = databases.SiteCpu - cpu;
        var ended = Stopwatch.GetTimestamp();
        while (await Cluster.ReadAsync<bool>(connectionString, "SELECT EXISTS (SELECT FROM usage_deltas)", cancellation))
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellation);

        Report.Print(
            ["commits/s", "commit p50 ms", "p99 ms", "failed", "folded p50 ms", "p99 ms", "last ms", "probes", "pending, first half", "second half", "most", "drained ms", "site CPU %"],
            [[
                Report.N(result.Tps), Report.N(result.P50, 1), Report.N(result.P99, 1), Report.N(result.Failed), Report.N(Percentile.Of(delays, 0.5)),
                Report.N(Percentile.Of(delays, 0.99)), Report.N(delays.Max()), Report.N(delays.Count),
                Report.N(Percentile.Of([.. counts.Take(counts.Count / 2)], 0.5)), Report.N(Percentile.Of([.. counts.Skip(counts.Count / 2)], 0.5)), Report.N(counts.Max()),
                Report.N(Stopwatch.GetElapsedTime(ended).TotalMilliseconds), Report.N(100 * cpu.TotalSeconds / options.Seconds),
            ]]);
        Console.WriteLine($"{options.Rate} commits/s asked for, {Clients} clients, {options.Seconds} s. Folded: from a probe's commit to its total being read, which a NOTIFY of the fold prompts.");
        Console.WriteLine($"Deltas pending, each second: {string.Join(' ', counts)}");
    }

    /// <summary>A user of its own, one row after the other: the total is looked at when the fold says that something changed.</summary>
    private static async Task<List<double>> ProbeAsync(string connectionString, Task running, CancellationToken cancellation)
    {
        await using var dataSource = NpgsqlDataSource.Create(connectionString);
        await using var writer = await dataSource.OpenConnectionAsync(cancellation);
        await using var reader = await dataSource.OpenConnectionAsync(cancellation);
        await using var add = new NpgsqlCommand("INSERT INTO usage_logs (user_id, model) SELECT id, 'probe' FROM users WHERE email = 'probe@example.test'", writer);
        await using var look = new NpgsqlCommand("SELECT coalesce((SELECT requests FROM usage_totals JOIN users ON id = user_id WHERE email = 'probe@example.test'), 0)", reader);
        await using (var prepare = new NpgsqlCommand("INSERT INTO users (email) VALUES ('probe@example.test')", writer))
            await prepare.ExecuteNonQueryAsync(cancellation);
        await using (var listen = new NpgsqlCommand("LISTEN usage_changed", reader))
            await listen.ExecuteNonQueryAsync(cancellation);
        await add.PrepareAsync(cancellation);
        await look.PrepareAsync(cancellation);

        var isHeard = false;
        reader.Notification += (_, _) => isHeard = true;
        var delays = new List<double>();
        for (var added = 1L; !running.IsCompleted; added++)
        {
            await add.ExecuteNonQueryAsync(cancellation);
            var committed = Stopwatch.GetTimestamp();
            while (await TotalAsync() < added)
            {
                // One that came with the answer may be the one that is waited for.
                if (!isHeard && !await reader.WaitAsync(Patience, cancellation))
                    throw new TimeoutException("A commit was not folded.");
            }

            delays.Add(Stopwatch.GetElapsedTime(committed).TotalMilliseconds);
            await Task.Delay(ProbePause + TimeSpan.FromMilliseconds(Random.Shared.Next(60)), cancellation);
        }

        return delays;

        async Task<long> TotalAsync()
        {
            isHeard = false;
            return (long)(await look.ExecuteScalarAsync(cancellation))!;
        }
    }

    private static async Task<List<double>> CountPendingAsync(string connectionString, Task running, CancellationToken cancellation)
    {
        await using var dataSource = NpgsqlDataSource.Create(connectionString);
        await using var count = dataSource.CreateCommand("SELECT count(*) FROM usage_deltas");
        var counts = new List<double>();
        while (!running.IsCompleted)
        {
            counts.Add((long)(await count.ExecuteScalarAsync(cancellation))!);
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(1_000 - Random.Shared.Next(50)), cancellation));
        }

        return counts;
    }
}
