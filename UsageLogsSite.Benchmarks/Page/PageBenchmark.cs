using Npgsql;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>The page's query and its whole request against other designs, on databases of several sizes, interleaved, medians.</summary>
internal static class PageBenchmark
{
    private const int WarmUps = 10;

    internal static async Task RunAsync(PageOptions options, CancellationToken cancellation)
    {
        await using var cluster = await Cluster.StartAsync(Cluster.Tuned, options.Directory, cancellation);
        var databases = new List<LoadedDatabase>();
        try
        {
            foreach (var logs in options.Logs)
                databases.Add(await LoadedDatabase.OpenAsync(cluster, logs, options, cancellation));
            foreach (var database in databases)
                await CheckAsync(database, options, cancellation);
            var cases = Case.All(options.Users);
            var figures = new Figures();
            await MeasureOursAsync(databases, cases, options, figures, cancellation);
            if (options.RivalRounds > 0)
                await MeasureRivalsAsync(databases, cases, options, figures, cancellation);
            Print(databases, cases, options, figures);
            foreach (var database in databases)
                await MeasureCachedAsync(database, cancellation);
        }
        finally
        {
            foreach (var database in databases)
                await database.DisposeAsync();
        }
    }

    /// <summary>What the page counts must be what the tables hold.</summary>
    private static async Task CheckAsync(LoadedDatabase database, PageOptions options, CancellationToken cancellation)
    {
        var (_, view) = await database.QueryAsync(new(), cancellation);
        var logs = await Cluster.ReadAsync<long>(database.ConnectionString, "SELECT count(*) FROM usage_logs", cancellation);
        if (view.Summary.Users != options.Users || view.Summary.Requests != logs)
            throw new InvalidOperationException($"The page counts {view.Summary.Users} users and {view.Summary.Requests} logs; the tables hold {options.Users} and {logs}.");
    }

    private static async Task MeasureOursAsync(
        List<LoadedDatabase> databases, IReadOnlyList<Case> cases, PageOptions options, Figures figures, CancellationToken cancellation)
    {
        for (var round = -WarmUps; round < options.Rounds; round++)
        {
            foreach (var asked in cases)
            {
                foreach (var database in databases)
                {
                    var query = (await database.QueryAsync(asked.Filter, cancellation)).Milliseconds;
                    var request = await database.RequestAsync(asked.Filter, cancellation);
                    if (round < 0)
                        continue;
                    figures.Add(database, asked, Figure.Query, query);
                    figures.Add(database, asked, Figure.Request, request);
                }
            }
        }
    }

    private static async Task MeasureRivalsAsync(
        List<LoadedDatabase> databases, IReadOnlyList<Case> cases, PageOptions options, Figures figures, CancellationToken cancellation)
    {
        var connections = new List<(LoadedDatabase Database, NpgsqlConnection Connection)>();
        try
        {
            foreach (var database in databases)
            {
                await Rival.PrepareAsync(database.ConnectionString, cancellation);
                connections.Add((database, await database.ConnectAsync(cancellation)));
            }

            for (var round = 0; round < options.RivalRounds; round++)
            {
                foreach (var asked in cases)
                {
                    foreach (var (database, connection) in connections)
                    {
                        if (asked.Filter.Period == default)
                            figures.Add(database, asked, Figure.View, await Rival.AskAsync(connection, Rival.FromView(asked.Filter), asked.Filter, cancellation));
                        figures.Add(database, asked, Figure.OnTheFly, await Rival.AskAsync(connection, Rival.OnTheFly(asked.Filter), asked.Filter, cancellation));
                    }
                }
            }
        }
        finally
        {
            foreach (var (_, connection) in connections)
                await connection.DisposeAsync();
        }

        foreach (var database in databases)
        {
            var (alone, concurrently) = await Rival.RefreshAsync(database.ConnectionString, cancellation);
            Console.WriteLine($"{database.Logs:N0} logs: the materialized view is refreshed in {alone:0.0} s, concurrently with readers in {concurrently:0.0} s.");
        }
    }

    private static async Task MeasureCachedAsync(LoadedDatabase database, CancellationToken cancellation)
    {
        foreach (var isKnown in (bool[])[false, true])
        {
            var (perSecond, p50, p99) = await CachedLoad.RunAsync(database.Site, isKnown, cancellation);
            Console.WriteLine($"{database.Logs:N0} logs, from cache, {(isKnown ? "304" : "200")}: {perSecond:N0} requests/s over 16 connections, p50 {p50:0.00} ms, p99 {p99:0.00} ms.");
        }
    }

    private static void Print(List<LoadedDatabase> databases, IReadOnlyList<Case> cases, PageOptions options, Figures figures)
    {
        string[] titles =
        [
            $"{options.Users:N0} users",
            .. databases.SelectMany(d => (string[])[$"{d.Logs / 1e6:0.#} M: query", "p99", "request", "p99", "view", "on the fly"]),
            .. databases.Count > 1 ? ["query ×", "request ×"] : Array.Empty<string>(),
        ];
        Report.Print(titles, cases.Select(asked => (string[])
        [
            asked.Name,
            .. databases.SelectMany(d => (string[])
            [
                figures.P(d, asked, Figure.Query, 0.5), figures.P(d, asked, Figure.Query, 0.99), figures.P(d, asked, Figure.Request, 0.5),
                figures.P(d, asked, Figure.Request, 0.99), figures.P(d, asked, Figure.View, 0.5), figures.P(d, asked, Figure.OnTheFly, 0.5),
            ]),
            .. databases.Count > 1
                ? [figures.Ratio(databases[^1], databases[0], asked, Figure.Query), figures.Ratio(databases[^1], databases[0], asked, Figure.Request)]
                : Array.Empty<string>(),
        ]));
        Console.WriteLine($"Milliseconds, medians (and p99) of {options.Rounds}; view and on the fly: SQL alone, of {options.RivalRounds}. ×: the last size against the first.");
    }
}
