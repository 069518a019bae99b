using System.Diagnostics;
using System.Net;
using Npgsql;
using UsageLogsSite.Benchmarks.Live;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>
/// Two instances on one database under a steady load with a fault every minute. One of them, which all viewers watch and all rows are posted to, is
/// never restarted: its memory must not grow. In the end nothing may be lost.
/// </summary>
internal sealed class SoakBenchmark : IAsyncDisposable
{
    private const int Users = 1_000;
    private const int FilterSets = 20;

    /// <summary>The last third of the run may take so much more memory than the second.</summary>
    private const double MostGrowth = 0.1;

    /// <summary>Shorter runs say nothing of memory.</summary>
    private static readonly TimeSpan JudgesMemory = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RightWithin = TimeSpan.FromSeconds(30);

    private readonly SoakOptions _options;
    private readonly FaultLog _log;
    private readonly Staleness _staleness = new();
    private readonly List<double> _memory = [];
    private readonly Database _database;
    private readonly FaultProxy _toDatabase;
    private readonly SiteProcess _site;
    private readonly FaultProxy _toSite;
    private SiteProcess? _other;

    private SoakBenchmark(SoakOptions options, Database database, FaultProxy toDatabase, SiteProcess site, FaultLog log)
    {
        (_options, _database, _toDatabase, _site, _log) = (options, database, toDatabase, site, log);
        _toSite = new FaultProxy(IPAddress.Loopback.ToString(), site.Address.Port);
    }

    /// <summary>Runs it, and prints what came of it.</summary>
    /// <returns>Whether every goal was reached.</returns>
    internal static async Task<bool> RunAsync(SoakOptions options, CancellationToken cancellation)
    {
        await using var database = await Database.StartAsync(Users, cancellation);
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        await using var toDatabase = new FaultProxy(settings.Host!, settings.Port);
        settings.Port = toDatabase.Port;
        var log = new FaultLog();
        await using var site = await SiteProcess.StartAsync("ours", settings.ConnectionString, port: 0, cancellation, line => Hear(log, line));
        await using var soak = new SoakBenchmark(options, database, toDatabase, site, log);
        return await soak.RunAsync(cancellation);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_other is not null)
            await _other.DisposeAsync();
        await _toSite.DisposeAsync();
    }

    /// <summary>Lines begin with level, category and event, as in "warn: UsageLogsSite.Live.ChangeListener[1006]".</summary>
    private static void Hear(FaultLog log, string line)
    {
        if (line.Split(' ', 3) is ["warn:" or "fail:" or "crit:", var source, ..])
            log.Note($"logged by {source}", line);
    }

    private async Task<bool> RunAsync(CancellationToken cancellation)
    {
        _other = await StartOtherAsync(cancellation);
        var (key, external) = (await _database.AddKeyAsync(cancellation), await _database.UsersAsync("external", cancellation));
        var viewed = new IPEndPoint(IPAddress.Loopback, _toSite.Port);
        await SignedIn.AtAsync(viewed, cancellation);
        await using var audience = await Audience.OpenAsync("returning", viewed, _options.Viewers, FilterSets, cancellation);
        var writers = new Writers(_database, _site.Address, key, external, _log);

        var before = await _database.LogsAsync(cancellation);
        var start = Stopwatch.GetTimestamp();
        await LoadAsync(writers, audience, before, cancellation);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        var stored = await _database.LogsAsync(cancellation);
        var right = await audience.ShowAsync(stored, Stopwatch.GetTimestamp(), RightWithin, cancellation);
        return new Verdict(_options, _log, _staleness, _memory)
        {
            Acknowledged = writers.Acknowledged,
            Stored = stored - before,
            RowsPerSecond = writers.Acknowledged / seconds,
            Right = right.Count,
            GivenUp = audience.Failures,
            IsExact = await IsExactAsync(cancellation),
            MostGrowth = _options.Length >= JudgesMemory ? MostGrowth : null,
        }.Print();
    }

    private async Task LoadAsync(Writers writers, Audience audience, long before, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        over.CancelAfter(_options.Length);
        var writing = writers.RunAsync(_options.Rate, over.Token);
        var failing = new Faults(_database, _toDatabase, _toSite, RestartOtherAsync).RunAsync(_log, _options.FaultEvery, over.Token);
        for (var looks = 0; !over.IsCancellationRequested; looks++)
        {
            await Task.Delay(Look, cancellation);
            _staleness.Look(writers.Acknowledged, audience.Viewers.Min(v => v.Shown) - before, _log.IsCovered);
            if (looks % 4 == 0)
                _memory.Add(_site.Memory / 1048576.0);
        }

        cancellation.ThrowIfCancellationRequested();
        await failing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (failing.IsFaulted)
            await failing;
        await writing;
    }

    private Task<SiteProcess> StartOtherAsync(CancellationToken cancellation) =>
        SiteProcess.StartAsync("ours", _database.ConnectionString, port: 0, cancellation, line => Hear(_log, line));

    private async Task RestartOtherAsync(CancellationToken cancellation)
    {
        await _other!.KillAsync();
        await _other.DisposeAsync();
        _other = await StartOtherAsync(cancellation);
    }

    private async Task<bool> IsExactAsync(CancellationToken cancellation)
    {
        try
        {
            await SiteProcess.RunCommandAsync(_database.ConnectionString, ["rollup", "verify"], cancellation);
            return true;
        }
        catch (InvalidOperationException e)
        {
            Console.WriteLine(e.Message);
            return false;
        }
    }
}
