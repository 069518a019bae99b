using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A full loading state for what the reader asked for, a small badge for everything else, and neither for longer than needed.</summary>
public sealed class IndicatorTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Fragment = "**/usage/table**";

    private static readonly LocatorAssertionsToBeVisibleOptions Patient = new() { Timeout = 20_000 };

    [Fact]
    public async Task Loading_is_for_what_the_reader_asked_for()
    {
        await Database.AddUsersAsync(60);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        string[] loading = ["loading on", "busy true", "loading off"];

        await window.Page.ClickAsync("#refresh-now");
        await EndedAsync(window, "loading");
        Assert.Equal(loading, await window.SeenAsync());

        await window.Page.ClickAsync("#next");
        await Expect(window.Page.Locator("#showing")).ToContainTextAsync("26–50");
        await EndedAsync(window, "loading");
        Assert.Equal(loading, await window.SeenAsync());
        Assert.EndsWith("/usage?page=2", window.Page.Url, StringComparison.Ordinal);

        await window.Page.SelectOptionAsync("select[name=activity]", "inactive");
        await Expect(window.Page.Locator("#usage-table")).ToContainTextAsync("No user matches this filter");
        await EndedAsync(window, "loading");
        Assert.Equal(loading, await window.SeenAsync());
        Assert.EndsWith("/usage?activity=inactive", window.Page.Url, StringComparison.Ordinal);
        Assert.Null(await window.Page.Locator("#usage-table").GetAttributeAsync("aria-busy"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Syncing_is_for_a_live_update()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var held = new TaskCompletionSource();
        await window.Page.RouteAsync(Fragment, async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });

        await Database.AddLogAsync(ann);

        await Expect(window.Page.Locator("#syncing")).ToBeVisibleAsync(Patient);
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        held.SetResult();
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        Assert.Equal(["syncing on", "syncing off"], await window.SeenAsync());
    }

    [Fact]
    public async Task A_refresh_that_is_never_answered_times_out()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var never = new TaskCompletionSource();
        await window.Page.RouteAsync(Fragment, _ => never.Task);

        await Database.AddLogAsync(ann);

        await Expect(window.Page.Locator("#problem")).ToContainTextAsync("The server does not answer", new() { Timeout = 30_000 });
        Assert.Equal(["syncing on", "syncing off"], (await window.SeenAsync()).Take(2));
        never.SetResult();
    }

    [Fact]
    public async Task A_choice_that_fails_keeps_rows_and_address()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.RouteAsync(Fragment, route => route.FulfillAsync(new() { Status = 500, ContentType = "text/html", Body = "<p>Not now. The rows below are as of <span id=\"problem-time\"></span></p>" }));

        await window.ChooseTypeAsync("internal");

        await Expect(window.Page.Locator("#problem")).ToContainTextAsync("rows below are as of");
        await Expect(window.Row(ann)).ToBeVisibleAsync();
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        Assert.EndsWith("/usage", window.Page.Url, StringComparison.Ordinal);
        Assert.Null(await window.Page.Locator("#usage-table").GetAttributeAsync("aria-busy"));

        // What the form says is asked for again, until it is answered.
        await window.Page.UnrouteAllAsync();
        await Expect(window.Row(ann)).ToHaveCountAsync(0);
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync();
        Assert.EndsWith("/usage?type=internal", window.Page.Url, StringComparison.Ordinal);
        await window.LiveAsync();
    }

    private static Task EndedAsync(Window window, string indicator) => window.UntilAsync($"seen.includes('{indicator} off')");
}
