using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Benchmarks.Live;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Data;

namespace UsageLogsSite.Benchmarks.Ingest;

/// <summary>What the ingest API takes with the page live, beside plain SQL on the same database: interleaved, rounds of a few seconds.</summary>
internal static class IngestBenchmark
{
    private const int Users = 10_000;
    private const int Viewers = 50;
    private const int FilterSets = 5;
    private const int Rounds = 3;
    private const int BatchRows = 500;
    private const int SingleSenders = 32;
    private const int BatchSenders = 4;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static long _nextId;

    private delegate Task<Sender> OpenSender(CancellationToken cancellation);

    internal static async Task RunAsync(CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        await using var site = await SiteProcess.StartAsync("ours", database.ConnectionString, port: 0, cancellation);
        await using var audience = await Audience.OpenAsync("ours", site.Address, Viewers, FilterSets, cancellation);
        var (key, users) = (await database.AddKeyAsync(cancellation), await database.UsersAsync(type: null, cancellation));
        var variants = new List<Variant>
        {
            new("HTTP, one row", SingleSenders, 1, c => OpenHttpAsync(site, key, users, 1, c)),
            new("SQL INSERT, one row", SingleSenders, 1, c => OpenInsertAsync(database, users, 1, c)),
            new("HTTP, 500 rows", BatchSenders, BatchRows, c => OpenHttpAsync(site, key, users, BatchRows, c)),
            new("SQL INSERT, 500 rows", BatchSenders, BatchRows, c => OpenInsertAsync(database, users, BatchRows, c)),
            new("SQL COPY, 500 rows", BatchSenders, BatchRows, c => OpenCopyAsync(database, users, c)),
        };
        foreach (var variant in variants)
            await MeasureAsync(variant, Warm, cancellation);
        var refreshes = audience.Viewers.Sum(v => v.Refreshes);
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var variant in variants)
            {
                var cpu = (Site: site.Cpu, Server: database.Cpu());
                var run = await MeasureAsync(variant, Length, cancellation);
                variant.Runs.Add(run with { SiteCpu = site.Cpu - cpu.Site, ServerCpu = database.Cpu() - cpu.Server });
            }
        }

        var rate = (audience.Viewers.Sum(v => v.Refreshes) - refreshes) / Stopwatch.GetElapsedTime(start).TotalSeconds / Viewers;
        var final = await audience.ShowAsync(await database.LogsAsync(cancellation), Stopwatch.GetTimestamp(), Patience, cancellation);
        Print(variants);
        Console.WriteLine($"{Viewers} viewers on {FilterSets} views: {Report.N(rate, 2)} refreshes/s each; in the end {final.Count} are right, the last after {Report.N(final.DefaultIfEmpty(double.NaN).Max())} ms; {audience.Failures.Count} failures.");
    }

    private static async Task<Run> MeasureAsync(Variant variant, TimeSpan length, CancellationToken cancellation)
    {
        var senders = await Task.WhenAll(Enumerable.Range(0, variant.Senders).Select(_ => variant.OpenAsync(cancellation)));
        var start = Stopwatch.GetTimestamp();
        var delays = await Task.WhenAll(senders.Select(sender => Task.Run(() => SendAsync(sender.SendAsync), cancellation)));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (var sender in senders)
            sender.Held.Dispose();
        var all = delays.SelectMany(d => d).ToList();
        return new Run(all.Count * variant.Rows / seconds, Percentile.Of(all, 0.5), Percentile.Of(all, 0.99), seconds);

        async Task<List<double>> SendAsync(Func<CancellationToken, Task> send)
        {
            var taken = new List<double>();
            while (Stopwatch.GetElapsedTime(start) < length)
            {
                var sent = Stopwatch.GetTimestamp();
                await send(cancellation);
                taken.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }

            return taken;
        }
    }

    private static async Task<Sender> OpenHttpAsync(SiteProcess site, string key, IReadOnlyList<Guid> users, int rows, CancellationToken cancellation)
    {
        var wire = new HttpWire(site.Address);
        await wire.ConnectAsync(cancellation);
        var body = new IngestBody(site.Address, key, users, rows);
        return new Sender(SendAsync, wire);

        async Task SendAsync(CancellationToken c)
        {
            var answer = await wire.GetAsync(body.With(ref _nextId), c);
            if (answer.Status != 201)
                throw new InvalidOperationException($"The site answered {answer.Status}.");
        }
    }

    private static async Task<Sender> OpenInsertAsync(Database database, IReadOnlyList<Guid> users, int rows, CancellationToken cancellation)
    {
        var connection = await database.DataSource.OpenConnectionAsync(cancellation);
        var insert = new NpgsqlCommand(
            "INSERT INTO usage_logs (id, user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT gen_random_uuid(), u, 'sage-3', 100, 50, 1.5, 0.0025 FROM unnest($1) u",
            connection);
        insert.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Some(users, rows) });
        await insert.PrepareAsync(cancellation);
        return new Sender(c => insert.ExecuteNonQueryAsync(c), connection);
    }

    private static async Task<Sender> OpenCopyAsync(Database database, IReadOnlyList<Guid> users, CancellationToken cancellation)
    {
        var connection = await database.DataSource.OpenConnectionAsync(cancellation);
        var some = Some(users, BatchRows);
        return new Sender(c => connection.CopyAsync(some.Select(LogOf), c), connection);

        static UsageLog LogOf(Guid user) => new()
        {
            UserId = user,
            Model = "sage-3",
            PromptTokens = 100,
            CompletionTokens = 50,
            Credits = 1.5m,
            CostUsd = 0.0025m,
            CreatedAt = DateTime.UtcNow,
        };
    }

    private static Guid[] Some(IReadOnlyList<Guid> users, int count)
    {
        var first = Random.Shared.Next(users.Count);
        return [.. Enumerable.Range(0, count).Select(i => users[(first + i) % users.Count])];
    }

    private static void Print(IEnumerable<Variant> variants) => Report.Print(
        ["sender", "rows/s", "rounds", "p50 ms", "p99 ms", "site CPU µs/row", "PostgreSQL CPU µs/row"],
        variants.Select(variant => new[]
        {
            $"{variant.Name}, {variant.Senders} at once",
            Report.N(variant.Median(r => r.RowsPerSecond)),
            string.Join(" ", variant.Runs.Select(r => Report.N(r.RowsPerSecond))),
            Report.N(variant.Median(r => r.P50), 1),
            Report.N(variant.Median(r => r.P99), 1),
            Report.N(variant.Median(r => r.SiteCpu.TotalMicroseconds / r.Rows)),
            Report.N(variant.Median(r => r.ServerCpu.TotalMicroseconds / r.Rows)),
        }));

    /// <param name="SendAsync">Sends once, and waits for the answer.</param>
    /// <param name="Held">Its connection.</param>
    private sealed record Sender(Func<CancellationToken, Task> SendAsync, IDisposable Held);

    private sealed record Variant(string Name, int Senders, int Rows, OpenSender OpenAsync)
    {
        internal List<Run> Runs { get; } = [];

        internal double Median(Func<Run, double> figure) => Percentile.Of([.. Runs.Select(figure)], 0.5);
    }

    private sealed record Run(double RowsPerSecond, double P50, double P99, double Seconds)
    {
        internal TimeSpan SiteCpu { get; init; }

        internal TimeSpan ServerCpu { get; init; }

        internal double Rows => RowsPerSecond * Seconds;
    }
}
