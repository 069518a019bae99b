using System.Diagnostics;
using System.Globalization;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>
/// PostgreSQL finds no room for totals. What it meets is a limit of the size of files, which it takes for a full disk: setting one needs
/// no rights, and no disk is filled.
/// </summary>
public sealed class DiskFullTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-full-{Guid.NewGuid():N}");
    private EmbeddedPostgres _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await EmbeddedPostgres.StartAsync(_directory, null, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_last_totals_are_shown_and_once_there_is_room_all_is_folded()
    {
        await using var database = new PostgresDatabase(_server.ConnectionString);
        await database.MigrateAsync();

        // Larger than a segment of the write-ahead log, 16 MB: that one must never meet the limit, or the server itself ends.
        await database.ExecuteAsync("ALTER TABLE usage_totals SET (fillfactor = 10)");
        await database.AddUsersAsync(15_000);
        await using var site = await Site.StartAsync(database);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        Assert.Equal("15000", await RequestsShownAsync(site));

        // Not whole pages, so that the last one is written in part: a disk that is full.
        var size = await database.ScalarAsync<long>("SELECT pg_relation_size('usage_totals')");
        Assert.InRange(size, 16 * 1024 * 1024, int.MaxValue);
        await LimitFilesAsync((size + 512).ToString(CultureInfo.InvariantCulture));
        await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite rollup'");
        await database.AddUsersAsync(500, "internal");
        await Eventually.TrueAsync(() => site.Logs.Count(2002, "could not extend file") > 0, "the fold says so");
        Assert.Equal("15000", await RequestsShownAsync(site));
        Assert.Equal(0, stream.Drain());
        Assert.False(stream.Ended.IsCompleted);

        await LimitFilesAsync("unlimited");
        await stream.NextAsync();
        await site.FoldedAsync();
        await Totals.AssertExactAsync(database);
        await Eventually.TrueAsync(async () => await RequestsShownAsync(site) == "15500", "the page is right");
    }

    /// <summary>For all processes that the server starts from now on.</summary>
    private async Task LimitFilesAsync(string bytes)
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(_directory, "data", "postmaster.pid"), Cancellation))[0];
        string[] command = ["prlimit", "--pid", postmaster, $"--fsize={bytes}:"];
        if (Environment.IsPrivilegedProcess)
            command = ["runuser", "-u", "postgres", "--", .. command]; // as whom the server runs then
        using var limit = Process.Start(command[0], command[1..]);
        await limit.WaitForExitAsync(Cancellation);
        Assert.Equal(0, limit.ExitCode);
    }

    private static async Task<string> RequestsShownAsync(Site site) =>
        (await site.GetPageAsync("/usage")).QuerySelector("#total-requests data")!.GetAttribute("value")!;
}
