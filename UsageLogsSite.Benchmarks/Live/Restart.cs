using System.Diagnostics;
using System.Globalization;
using UsageLogsSite.Benchmarks.Live.Viewers;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>The site crashes under ten thousand viewers, the data change, and it comes back.</summary>
internal static class Restart
{
    private const int Users = 1_000;
    private const int Viewers = 10_000;
    private const int FilterSets = 20;

    /// <summary>Long enough that a moment in which this program, and not the site, was busy does not count as a stampede.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    internal static async Task RunAsync(CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        var first = await SiteProcess.StartAsync("ours", database.ConnectionString, port: 0, cancellation);
        await using var audience = await Audience.OpenAsync("returning", first.Address, Viewers, FilterSets, cancellation);
        await first.KillAsync();
        await first.DisposeAsync();
        await database.AddLogAsync(cancellation);
        var queries = await database.QueriesAsync(cancellation);

        await using var second = await SiteProcess.StartAsync("ours", database.ConnectionString, first.Address.Port, cancellation);
        var back = Stopwatch.GetTimestamp();
        var right = await audience.ShowAsync(await database.LogsAsync(cancellation), back, Patience, cancellation);
        var viewers = audience.Viewers.Cast<ReturningViewer>().ToList();
        while (viewers.Any(v => v.ReturnedAt == 0) && Stopwatch.GetElapsedTime(back) < Patience)
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
        var returned = viewers.Where(v => v.ReturnedAt > 0).Select(v => Stopwatch.GetElapsedTime(back, v.ReturnedAt).TotalSeconds).Order().ToList();
        queries = await database.QueriesAsync(cancellation) - queries;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"""
            {Viewers} viewers on {FilterSets} filter sets after a crash and a change; times since the site answered again
            right: {right.Count}, half after {Percentile.Of(right, 0.5) / 1000:0.0} s, the last after {right.DefaultIfEmpty(double.NaN).Max() / 1000:0.0} s
            streams open again: {returned.Count}, the last after {returned.DefaultIfEmpty(double.NaN).Last():0.0} s, at most {MostIn(Window, returned) / Window.TotalSeconds:0} a second over any {Window.TotalSeconds:0} s
            refused attempts: {viewers.Sum(v => v.Refusals)}; page queries: {queries}
            """));
    }

    private static int MostIn(TimeSpan window, List<double> sorted)
    {
        var (most, first) = (0, 0);
        for (var last = 0; last < sorted.Count; last++)
        {
            while (sorted[last] - sorted[first] > window.TotalSeconds)
                first++;
            most = Math.Max(most, last - first + 1);
        }

        return most;
    }
}
