using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Commands;
using UsageLogsSite.Health;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Attach;

/// <summary>Copies that stand still are told of, by whatever the operator asks.</summary>
public sealed class StoppedCopyTests : IAsyncLifetime
{
    private const string Write = "INSERT INTO public.usage_logs (user_id, cost) SELECT id, 1 FROM auth.users";

    private Product _product = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _product = await Product.StartAsync();
        await _product.Database.ExecuteAsync("INSERT INTO auth.users (email) VALUES ('ann@example.test')");
        await _product.AttachAsync();
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task Verify_does_not_take_what_nobody_copies_for_copied()
    {
        await _product.Database.ExecuteAsync(Write);
        var ran = await _product.RunAsync("attach", "verify", "--wait", "0");
        Assert.Equal(CommandLine.Found, ran.ExitCode);
        Assert.Contains("0 differ, 0 could not be copied, 1 changes not copied yet", ran.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing is being copied: does a site run", ran.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("paid", CommandLine.Done)]
    [InlineData("chargeback", CommandLine.Found)]
    public async Task Verify_waits_for_what_was_noted_and_tells_if_that_fails(string status, int exitCode)
    {
        await _product.Database.ExecuteAsync("INSERT INTO public.credit_purchases (user_id, amount_cents, credits, status) SELECT id, 500, 5, $1 FROM auth.users", status);
        var verifying = _product.RunAsync("attach", "verify", "--wait", "60");
        await Eventually.TrueAsync(
            () => _product.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT (SELECT min(seq)%' AND pid <> pg_backend_pid())"), "the command waits");
        Assert.False(verifying.IsCompleted);
        await _product.CopyAsync();
        Assert.Equal(exitCode, (await verifying).ExitCode);
    }

    [Fact]
    public async Task Verify_finds_nothing_wrong_where_somebody_writes_all_the_time()
    {
        await using var site = await Site.StartBusyAsync(_product.Ours);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writing = WriteUntilAsync(done.Token);
        for (var i = 0; i < 3; i++)
            await _product.MustAsync("attach", "verify");
        await done.CancelAsync();
        await writing;
    }

    [Theory]
    [InlineData("ALTER ROLE usage_owner NOBYPASSRLS", "ALTER ROLE usage_owner BYPASSRLS")]
    [InlineData("ALTER TABLE public.usage_logs RENAME TO logs", "ALTER TABLE public.logs RENAME TO usage_logs")]
    public async Task A_site_that_cannot_copy_is_not_ready_until_it_can(string harm, string mend)
    {
        await using var site = await Site.StartBusyAsync(_product.Ours, new() { ["Health:MaxFoldLag"] = "00:00:01" });
        var status = site.Services.GetRequiredService<RollupStatus>();
        await Eventually.TrueAsync(async () => (await AskAsync(site)).Status == HttpStatusCode.OK, "the site is ready");
        await _product.Database.ExecuteAsync($"{Write}; {harm}");
        await _product.Ours.ExecuteAsync("INSERT INTO attach_usage_logs (op) VALUES ('T'); SELECT usage_wake_rollup()");
        await Eventually.TrueAsync(async () => (await AskAsync(site)).Body.Contains("The fold could copy nothing from attached tables for", StringComparison.Ordinal), "the site says that it cannot copy");
        await Eventually.TrueAsync(() => status.Noted is { Pending: > 0 }, "what waits is counted");

        await _product.Database.ExecuteAsync(mend);
        await Eventually.TrueAsync(async () => (await AskAsync(site)).Status == HttpStatusCode.OK, "the site is ready again, though nobody writes");
        await _product.MustAsync("attach", "verify");
        Assert.Equal((0, 0), status.Noted);
    }

    [Fact]
    public async Task Rows_that_could_not_be_copied_are_counted()
    {
        await using var site = await Site.StartBusyAsync(_product.Ours);
        var status = site.Services.GetRequiredService<RollupStatus>();
        await _product.Database.ExecuteAsync("INSERT INTO public.credit_purchases (user_id, amount_cents, credits, status) SELECT id, 500, 5, 'chargeback' FROM auth.users, generate_series(1, 3)");
        await Eventually.TrueAsync(() => status.Noted == (0, 3), "three rows are counted as failed");
        await _product.Database.ExecuteAsync("UPDATE public.credit_purchases SET status = 'paid'");
        await Eventually.TrueAsync(() => status.Noted == (0, 0), "none is any more");
    }

    [Fact]
    public async Task Trouble_that_passes_soon_takes_no_instance_out_of_service()
    {
        var time = new FakeTimeProvider();
        var rollup = new RollupStatus(time);
        var check = new FoldCheck(rollup, Options.Create(new HealthOptions()));
        rollup.Elect();
        rollup.Sleep();
        rollup.Copy(failed: true);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);
        rollup.Copy(failed: true);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("could copy nothing from attached tables for 11 s: totals are old, and the log says why", (await check.CheckHealthAsync(new(), Cancellation)).Description);
        rollup.Copy(failed: false);
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);
        rollup.Copy(failed: true);
        time.Advance(TimeSpan.FromSeconds(20));
        rollup.Resign();
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);
    }

    private async Task WriteUntilAsync(CancellationToken stopped)
    {
        while (!stopped.IsCancellationRequested)
            await _product.Database.ExecuteAsync(Write);
    }

    private static async Task<(HttpStatusCode Status, string Body)> AskAsync(Site site)
    {
        using var answer = await site.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }
}
