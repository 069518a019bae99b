using Microsoft.Playwright;
using Npgsql;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class AdminTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData(375, ColorScheme.Dark)]
    [InlineData(1440, ColorScheme.Light)]
    public async Task Verify_shows_that_it_runs_and_what_it_found_without_a_reload(int width, ColorScheme scheme)
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("UPDATE usage_totals SET requests = 8");
        await using var window = await chromium.OpenAsync(site, "/admin/rollup", new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("LOCK TABLE credit_purchases IN ACCESS EXCLUSIVE MODE", connection))
            await hold.ExecuteNonQueryAsync(Cancellation);
        await window.Page.EvaluateAsync("window.stays = true");

        await window.Page.ClickAsync("#verify");
        await Expect(window.Page.Locator("#verify")).ToBeDisabledAsync();
        await Expect(window.Page.Locator("#verify .spinner")).ToBeVisibleAsync();
        await Expect(window.Page.Locator("#job")).ToContainTextAsync("Comparing");

        await transaction.RollbackAsync(Cancellation);
        await Expect(window.Page.Locator("#verdict")).ToContainTextAsync("differences");
        await Expect(window.Page.Locator("#differences tbody tr").First).ToContainTextAsync("usage_totals");
        await window.Page.ClickAsync("#rebuild");
        await Expect(window.Page.Locator("#job")).ToContainTextAsync("Totals were rebuilt");
        await Expect(window.Page.Locator("#verify")).ToBeEnabledAsync();
        Assert.True(await window.Page.EvaluateAsync<bool>("window.stays"));
        Assert.Equal(width, await window.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)"));
        Assert.Empty(window.Errors);
    }
}
