using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>
/// Two instances behind nginx, while somebody writes all the time: one crashes, the other is drained, and another build takes over. Requests go to instances in
/// turn, streams and refreshes of one page to different ones.
/// </summary>
public sealed class InstancesTests(PostgresCluster cluster, Chromium chromium, PublishedApp published, ITestOutputHelper output) : SiteTest(cluster)
{
    private const int Readers = 6;

    private static readonly TimeSpan StaleAtMost = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_crash_a_drain_and_an_upgrade_leave_pages_live_and_everybody_signed_in()
    {
        var rounds = Run.IsLong ? 6 : 1;
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:UsageLogs"] = Database.ConnectionString,
            ["Database:MigrateOnStartup"] = "false",
            ["Proxy:KnownProxies"] = "127.0.0.1",
            ["Health:Drain"] = "00:00:03",
        };
        var ledger = new Ledger(Database, await Database.AddUserAsync("Ann"));
        RunningApp[] apps = [await published.StartAsync(settings), await published.StartAsync(settings)];
        Uri[] addresses = [.. apps.Select(app => app.Http.BaseAddress!)];
        try
        {
            await using var nginx = await Nginx.StartAsync(addresses[0], addresses[1]);
            var session = apps[0].Cookie.Split("; ").Single(cookie => cookie.Contains("session", StringComparison.Ordinal));
            await using var audience = await Audience.OpenAsync(chromium, nginx, session, ledger, Database, Readers);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var writing = ledger.WriteAsync(stop.Token);
            await audience.SeesAsync(40);
            for (var round = 0; round < rounds; round++)
            {
                var isOther = round % 2 == 0;
                await apps[0].CrashAsync();
                await apps[0].DisposeAsync();
                await audience.SeesAsync(40);
                apps[0] = await published.StartAsync(settings, addresses[0], isOther);
                await audience.SeesAsync(20);
                await apps[1].DisposeAsync(); // drains, and ends in order
                await audience.SeesAsync(40);
                apps[1] = await published.StartAsync(settings, addresses[1], isOther);
                await audience.SeesAsync(40);
            }

            await stop.CancelAsync();
            await writing;
            await audience.SeesAllAsync();
            audience.Report(output);
            Report(nginx);
            audience.AssertLive(StaleAtMost, terms: 1 + 2 * rounds);
            AssertAnswered(nginx);
            await AssertFoldedOnceAsync(ledger.Count);
        }
        finally
        {
            foreach (var app in apps)
                await app.DisposeAsync();
        }
    }

    private void Report(Nginx nginx)
    {
        foreach (var kind in nginx.Requests.GroupBy(r => (r.Request, r.Status)).OrderBy(kind => kind.Key.Request, StringComparer.Ordinal))
            output.WriteLine($"{kind.Key.Request} {kind.Key.Status}: {kind.Count()}");
        output.WriteLine($"asked of a second instance: {nginx.Requests.Count(r => r.Instance.Contains(',', StringComparison.Ordinal))}");
    }

    /// <summary>Nobody was sent to the sign-in, and no failure of an instance came through: all that was asked was GET.</summary>
    private static void AssertAnswered(Nginx nginx)
    {
        Assert.All(nginx.Requests, request => Assert.True(request.Status is 200 or 226 or 304 or 499, $"{request}")); // 499: the reader left
        foreach (var what in new[] { "GET /usage/table", "GET /usage/events" })
            Assert.Equal(2, nginx.Requests.Where(r => r.Request == what).SelectMany(r => r.Instance.Split(", ")).Distinct().Count(i => i.StartsWith("127.", StringComparison.Ordinal)));
    }

    private async Task AssertFoldedOnceAsync(int written)
    {
        var (exitCode, said, error) = await published.RunAsync(new() { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString }, "rollup", "verify");
        Assert.True(exitCode == 0, said + error);
        await Totals.AssertExactAsync(Database);
        Assert.Equal(written, await Database.ScalarAsync<long>("SELECT sum(requests)::bigint FROM usage_totals"));
    }

    /// <summary>Those who watch, and what they are shown compared with what was written, ten times a second.</summary>
    private sealed class Audience : IAsyncDisposable
    {
        private readonly Ledger _ledger;
        private readonly PostgresDatabase _database;
        private readonly Window _window;
        private readonly List<PageReader> _readers;
        private readonly CancellationTokenSource _closed = new();
        private readonly ConcurrentDictionary<int, byte> _folders = [];
        private readonly ConcurrentQueue<int> _failures = [];
        private readonly Task _watching;
        private TimeSpan _worstPage, _worstReader;
        private int _page, _mostFolders, _stepsBack;

        private Audience(Window window, List<PageReader> readers, Ledger ledger, PostgresDatabase database)
        {
            (_window, _readers, _ledger, _database) = (window, readers, ledger, database);
            window.Page.Response += (_, answer) =>
            {
                if (answer.Status is >= 500 or 401 or 302)
                    _failures.Enqueue(answer.Status);
            };
            _watching = WatchAsync();
        }

        internal static async Task<Audience> OpenAsync(Chromium chromium, Nginx nginx, string session, Ledger ledger, PostgresDatabase database, int count)
        {
            var window = await chromium.OpenAsync("/usage", new() { BaseURL = nginx.Address.ToString(), IgnoreHTTPSErrors = true }, session);
            await window.LiveAsync();
            return new Audience(window, [.. Enumerable.Range(0, count).Select(_ => new PageReader(nginx, session))], ledger, database);
        }

        /// <summary>Waits until everybody sees so many more logs than are written now.</summary>
        internal Task SeesAsync(int more)
        {
            var until = _ledger.Count + more;
            return WatchedAsync(() => _page >= until && _readers.All(r => r.Shown >= until), $"all see {until} logs");
        }

        /// <summary>Waits until everybody sees all.</summary>
        internal Task SeesAllAsync() => WatchedAsync(() => _page == _ledger.Count && _readers.All(r => r.Shown == _ledger.Count), $"all see all {_ledger.Count} logs");

        internal void Report(ITestOutputHelper output)
        {
            output.WriteLine($"{_ledger.Count} logs written; stalest Chromium {_worstPage.TotalSeconds:0.0} s, stalest reader {_worstReader.TotalSeconds:0.0} s");
            output.WriteLine($"terms of folding: {_folders.Count}; streams opened by {_readers.Count} readers: {_readers.Sum(r => r.Opened)}; steps back: {_stepsBack + _readers.Sum(r => r.StepsBack)}");
        }

        internal void AssertLive(TimeSpan atMost, int terms)
        {
            Assert.InRange(_worstPage, TimeSpan.Zero, atMost);
            Assert.InRange(_worstReader, TimeSpan.Zero, atMost);
            Assert.Equal(0, _stepsBack + _readers.Sum(r => r.StepsBack));
            Assert.Equal(1, _mostFolders);
            Assert.InRange(_folders.Count, 2, terms);
            Assert.Empty(_failures);
            Assert.EndsWith("/usage", _window.Page.Url, StringComparison.Ordinal);
            Assert.All(_readers, reader => Assert.InRange(reader.Opened, 2, int.MaxValue));
        }

        public async ValueTask DisposeAsync()
        {
            await _closed.CancelAsync();
            await _watching;
            foreach (var reader in _readers)
                await reader.DisposeAsync();
            await _window.DisposeAsync();
            _closed.Dispose();
        }

        private Task WatchedAsync(Func<bool> condition, string what) => Eventually.TrueAsync(
            () => _watching.IsFaulted ? throw _watching.Exception : condition(),
            $"{what}; Chromium shows {_page}, readers {string.Join(' ', _readers.Select(r => r.Shown))}");

        private async Task WatchAsync()
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            try
            {
                while (await timer.WaitForNextTickAsync(_closed.Token))
                {
                    await LookAtPageAsync();
                    foreach (var stale in _readers.Where(r => r.Shown >= 0).Select(r => _ledger.StalenessOf(r.Shown)))
                        _worstReader = stale > _worstReader ? stale : _worstReader;
                    await LookAtFoldersAsync();
                }
            }
            catch (OperationCanceledException) when (_closed.IsCancellationRequested)
            {
                // The test is over.
            }
        }

        private async Task LookAtPageAsync()
        {
            var text = await _window.Page.EvaluateAsync<string>("document.querySelector('#total-requests data').value");
            var shown = int.Parse(text, CultureInfo.InvariantCulture);
            if (shown < _page)
                _stepsBack++;
            _page = shown;
            var stale = _ledger.StalenessOf(shown);
            _worstPage = stale > _worstPage ? stale : _worstPage;
        }

        /// <summary>Who folds is who holds the election's lock, of 64 bits, on a connection for it.</summary>
        private async Task LookAtFoldersAsync()
        {
            await using var connection = await _database.DataSource.OpenConnectionAsync(_closed.Token);
            await using var command = new NpgsqlCommand(
                """
                SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND datname = current_database() AND application_name = 'UsageLogsSite rollup'
                """,
                connection);
            await using var reader = await command.ExecuteReaderAsync(_closed.Token);
            var folders = 0;
            for (; await reader.ReadAsync(_closed.Token); folders++)
                _folders[reader.GetInt32(0)] = 0;
            _mostFolders = Math.Max(_mostFolders, folders);
        }
    }
}
