using System.Diagnostics;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>The live page against what else could carry it: the same database and the same isolated changes, one after the other.</summary>
internal static class Comparison
{
    private const int Users = 1_000;
    private const int WarmUps = 5;
    private const int Changes = 20;
    private const int FewestChanges = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1_100);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20); // two heartbeats
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(60);

    internal static async Task RunAsync(ComparisonOptions options, CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        var results = new List<ComparisonResult>();
        foreach (var viewers in options.Viewers)
        {
            foreach (var variant in options.Variants)
            {
                results.Add(await MeasureAsync(variant, viewers, options.FilterSets, database, cancellation));
                ComparisonResult.Print(results[^1..]);
            }
        }

        ComparisonResult.Print(results);
    }

    private static async Task<ComparisonResult> MeasureAsync(
        string variant, int count, int filterSets, Database database, CancellationToken cancellation)
    {
        Console.WriteLine($"{variant}, {count} viewers …");
        await using var site = await SiteProcess.StartAsync(variant, database.ConnectionString, port: 0, cancellation);

        // A few viewers and changes first: what is measured is compiled code.
        var rig = new Rig(database, site);
        await using (var first = await Audience.OpenAsync(variant, site.Address, Math.Min(count, 100), filterSets, cancellation))
        {
            for (var i = 0; i < WarmUps; i++)
                await rig.ChangeAsync(first, cancellation);
        }

        await Task.Delay(Pause, cancellation);
        var empty = site.Memory;
        await using var audience = await Audience.OpenAsync(variant, site.Address, count, filterSets, cancellation);
        audience.CloseFetches();
        var idle = await rig.MeasureAsync(audience, () => Task.Delay(Idle, cancellation), cancellation);
        var idleMemory = site.Memory - empty;

        var delays = new List<List<double>>();
        var busy = await rig.MeasureAsync(
            audience,
            async () =>
            {
                var start = Stopwatch.GetTimestamp();
                while (delays.Count < Changes && (delays.Count < FewestChanges || Stopwatch.GetElapsedTime(start) < Budget))
                    delays.Add(await rig.ChangeAsync(audience, cancellation));
            },
            cancellation);
        if (audience.Failures is [var failure, ..])
            Console.WriteLine($"{audience.Failures.Count} viewers failed, the first one: {failure.Message}");
        var (n, all) = (delays.Count, delays.SelectMany(d => d).ToList());
        return new ComparisonResult(
            variant, count, n, Percentile.Of(all, 0.5), Percentile.Of(all, 0.99), Percentile.Of([.. delays.Select(d => d.DefaultIfEmpty().Max())], 0.5),
            n * count - all.Count, (double)busy.Queries / n, busy.Cpu.TotalMilliseconds / n, busy.DatabaseCpu.TotalMilliseconds / n,
            100 * idle.Cpu / idle.Elapsed, (double)idleMemory / count / 1024, (double)(site.Memory - empty) / count / 1024,
            (double)busy.Bytes / n / count, idle.Bytes / idle.Elapsed.TotalSeconds / count);
    }

    /// <summary>A database and a site with their meters.</summary>
    private sealed class Rig(Database database, SiteProcess site)
    {
        /// <summary>One isolated change, seen by all.</summary>
        internal async Task<List<double>> ChangeAsync(Audience audience, CancellationToken cancellation)
        {
            await database.AddLogAsync(cancellation);
            var committed = Stopwatch.GetTimestamp();
            var shown = await audience.ShowAsync(await database.LogsAsync(cancellation), committed, Patience, cancellation);

            // Not in step with any timer of the variants.
            await Task.Delay(Pause + TimeSpan.FromMilliseconds(Random.Shared.Next(400)), cancellation);
            return shown;
        }

        internal async Task<Use> MeasureAsync(Audience audience, Func<Task> work, CancellationToken cancellation)
        {
            var (start, cpu, databaseCpu, bytes) = (Stopwatch.GetTimestamp(), site.Cpu, database.Cpu(), audience.Received);
            var queries = await database.QueriesAsync(cancellation);
            await work();
            return new Use(
                Stopwatch.GetElapsedTime(start), site.Cpu - cpu, database.Cpu() - databaseCpu,
                await database.QueriesAsync(cancellation) - queries, audience.Received - bytes);
        }
    }

    /// <summary>What a stretch of time cost.</summary>
    private sealed record Use(TimeSpan Elapsed, TimeSpan Cpu, TimeSpan DatabaseCpu, long Queries, long Bytes);
}
