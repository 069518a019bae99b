using System.Diagnostics;
using System.Globalization;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>A steady stream of changes: every viewer keeps its two refreshes a second, and ends with the truth.</summary>
internal static class Load
{
    private const int Users = 1_000;
    private const int Viewers = 1_000;
    private const int FilterSets = 20;
    private const int RowsInEach = 10;
    private const int TransactionsPerSecond = 100;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    internal static async Task RunAsync(CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        await using var site = await SiteProcess.StartAsync("ours", database.ConnectionString, port: 0, cancellation);
        await using var audience = await Audience.OpenAsync("ours", site.Address, Viewers, FilterSets, cancellation);
        await WriteAsync(database, TimeSpan.FromSeconds(3), cancellation); // warms up
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);

        var (before, cpu, queries) = (audience.Viewers.Select(v => v.Refreshes).ToList(), site.Cpu, await database.QueriesAsync(cancellation));
        var start = Stopwatch.GetTimestamp();
        var rows = await WriteAsync(database, Length, cancellation);
        var last = Stopwatch.GetTimestamp();
        var seconds = Stopwatch.GetElapsedTime(start, last).TotalSeconds;
        var rates = audience.Viewers.Select((v, i) => (v.Refreshes - before[i]) / seconds).Order().ToList();
        var final = await audience.ShowAsync(await database.LogsAsync(cancellation), last, Patience, cancellation);
        queries = await database.QueriesAsync(cancellation) - queries;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"""
            {Viewers} viewers on {FilterSets} filter sets; {rows / seconds:0} row changes/s in {TransactionsPerSecond} transactions/s for {seconds:0} s
            refreshes/s of a viewer: least {rates[0]:0.00}, median {rates[rates.Count / 2]:0.00}, most {rates[^1]:0.00}
            final state: {final.Count} of {Viewers} viewers, the last {final.DefaultIfEmpty(double.NaN).Max():0} ms after the last commit
            failed fetches: {audience.Failures.Count}; site CPU {100 * (site.Cpu - cpu) / TimeSpan.FromSeconds(seconds):0} % of one core, queries/s {queries / seconds:0.0}
            """));
    }

    private static async Task<long> WriteAsync(Database database, TimeSpan length, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        long transactions = 0;
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            // Keeps to the rate on average, whatever a single commit takes.
            if (transactions > Stopwatch.GetElapsedTime(start).TotalSeconds * TransactionsPerSecond)
                await Task.Delay(TimeSpan.FromMilliseconds(1), cancellation);
            else
                await AddAsync(database, transactions++, cancellation);
        }

        return transactions * RowsInEach;
    }

    private static Task AddAsync(Database database, long transaction, CancellationToken cancellation) => database.ExecuteAsync(
        """
        INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd)
        SELECT id, 'sage-3', 100, 50, 1.5, 0.0025 FROM users WHERE name = ANY ($1)
        """,
        cancellation,
        (object)Enumerable.Range(0, RowsInEach).Select(i => $"User {(transaction * RowsInEach + i) * 7919 % (Users / 10) * 10 + 1}").ToArray());
}
