using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>The reader's newest choice wins, whatever is under way.</summary>
public sealed class FilterRaceTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_filter_changed_during_an_update_wins_and_the_old_stream_is_closed()
    {
        var staff = await Database.AddUserAsync("Ann", "internal");
        var customer = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var underWay = new TaskCompletionSource();
        var held = new TaskCompletionSource();
        await window.Page.RouteAsync(new System.Text.RegularExpressions.Regex("/usage/table$"), async route =>
        {
            underWay.TrySetResult();
            await held.Task;
            await route.ContinueAsync();
        });
        await Database.AddLogAsync(customer);
        await underWay.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);

        await window.ChooseTypeAsync("internal");
        await Expect(window.Row(customer)).ToHaveCountAsync(0);
        held.SetResult();

        await Eventually.TrueAsync(() => site.Logs.Count(1004, "left '/usage'") == 1, "the old stream is closed");
        await Eventually.TrueAsync(() => site.FilterSets.Count == 1, "one stream is left");
        await Database.AddLogAsync(staff);
        await Expect(window.Row(staff).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Row(customer)).ToHaveCountAsync(0);
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        Assert.Empty(window.Errors);

        await window.Page.GotoAsync("about:blank");
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "nobody is left behind");
    }

    [Fact]
    public async Task An_update_that_waited_for_the_readers_choice_does_not_bring_the_old_rows_back()
    {
        await Database.AddUserAsync("Ann", "internal");
        var customer = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var underWay = new TaskCompletionSource();
        var held = new TaskCompletionSource();
        await window.Page.RouteAsync("**/usage/table?*internal*", async route =>
        {
            underWay.TrySetResult();
            await held.Task;
            await route.ContinueAsync();
        });
        await window.ChooseTypeAsync("internal");
        await underWay.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        await window.Page.EvaluateAsync("document.addEventListener('usage-changed', () => window.told = true)");
        await Database.AddLogAsync(customer);
        await window.UntilAsync("window.told === true");
        held.SetResult();

        await Expect(window.Row(customer)).ToHaveCountAsync(0);
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        Assert.Equal(1, window.Requests("/usage/table"));
        Assert.EndsWith("/usage?type=internal", window.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Twenty_quick_choices_leave_one_stream()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        for (var i = 0; i < 20; i++)
            await window.ChooseTypeAsync(i % 2 == 0 ? "internal" : "all");
        await Expect(window.Page.Locator("#showing")).ToContainTextAsync("of 30 users");
        await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/usage$"));
        await Eventually.TrueAsync(() => site.FilterSets.Count == 1, "one stream is left");
        Assert.Empty(site.Logs.Errors);
    }
}
