using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Whole ways through the site in a browser without JavaScript.</summary>
public sealed class NoScriptTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Owner = "owner@example.test";
    private const string Password = "correct horse battery";

    [Fact]
    public async Task A_reader_signs_in_finds_reads_takes_away_and_signs_out()
    {
        await Database.AddUsersAsync(60);
        var ann = await Database.AddUserAsync("Ann");
        for (var i = 0; i < 12; i++)
            await Database.AddLogAsync(ann);
        await using var site = await StartAsync();
        await using var window = await OpenAsync(site, "/usage");
        var page = window.Page;
        await SignInAsync(page, Owner, Password);
        await Expect(page.Locator("#showing")).ToHaveTextAsync("Showing 1–25 of 61 users");

        await page.ClickAsync("#next");
        await page.ClickAsync("#sort-requests");
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("Ann");
        await page.SelectOptionAsync("select[name=size]", "10");
        await page.SelectOptionAsync("select[name=activity]", "active-24h");
        await page.ClickAsync("#filters button");
        await Expect(page.Locator("#showing")).ToHaveTextAsync("Showing 1–10 of 61 users");
        await page.FillAsync("#search", "ann");
        await page.ClickAsync("#filters button");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"/usage\?activity=active-24h&q=ann&sort=requests&size=10$"));
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(1);

        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#export"));
        var file = await File.ReadAllTextAsync(await download.PathAsync(), Cancellation);
        Assert.Contains("Ann", file, StringComparison.Ordinal);

        await window.Row(ann).Locator("summary").ClickAsync();
        await window.Row(ann).GetByRole(AriaRole.Link, new() { Name = "Usage and logs" }).ClickAsync();
        await page.SelectOptionAsync("select[name=size]", "10");
        await page.SelectOptionAsync("select[name=period]", "30d");
        await page.ClickAsync("#filters button");
        await Expect(page.Locator("[data-log-id]")).ToHaveCountAsync(10);
        await page.ClickAsync("#next");
        await Expect(page.Locator("[data-log-id]")).ToHaveCountAsync(2);
        await page.ClickAsync("#newest");
        await Expect(page.Locator("[data-log-id]")).ToHaveCountAsync(10);

        await page.ClickAsync(".who button");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/account/sign-in$"));
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/users/{0}")]
    public async Task A_page_says_of_when_it_is_in_UTC_claims_nothing_more_and_is_refreshed_by_a_link(string address)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: new DateTime(2026, 3, 4, 5, 6, 7, DateTimeKind.Utc));
        await using var site = await StartAsync();
        await using var window = await OpenAsync(site, string.Format(System.Globalization.CultureInfo.InvariantCulture, address, ann), site.Cookie);
        var time = window.Page.Locator("#as-of time");
        await Expect(time).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^\d+ \w{3} \d{4}, \d\d:\d\d:\d\d UTC$"));
        await Expect(window.Page.Locator("tbody time[datetime^='2026-03-04']").Last).ToHaveTextAsync("4 Mar 2026, 05:06 UTC");
        foreach (var script in new[] { "#live-status", "#syncing", "#loading", "#hold", "#apply" })
            await Expect(window.Page.Locator(script)).ToBeHiddenAsync();

        var before = await time.GetAttributeAsync("datetime");
        await Database.AddLogAsync(ann);
        await site.FoldedAsync();
        await site.QuietAsync();
        await window.Page.ClickAsync("#refresh-page");
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("2");
        Assert.True(string.CompareOrdinal(await time.GetAttributeAsync("datetime"), before) > 0);
    }

    [Fact]
    public async Task An_owner_looks_after_accounts_totals_and_their_own_browser()
    {
        await Database.AddUsersAsync(30);
        await using var site = await StartAsync();
        await using var window = await OpenAsync(site, "/account", site.Cookie);
        var page = window.Page;
        await page.ClickAsync("#data button");
        await Expect(page.Locator("#data")).ToContainTextAsync("This browser saves data");
        await page.ClickAsync("nav a[href='/usage']");
        await Expect(page.Locator("#showing")).ToHaveTextAsync("Showing 1–10 of 30 users");
        await page.SelectOptionAsync("select[name=size]", "25");
        await page.ClickAsync("#filters button");
        await Expect(page.Locator("#showing")).ToHaveTextAsync("Showing 1–25 of 30 users");

        await page.ClickAsync("nav a[href='/admin/accounts']");
        await page.FillAsync("#add input[name=email]", "bob@example.test");
        await page.ClickAsync("#add button");
        await Expect(page.Locator("#accounts")).ToContainTextAsync("bob@example.test");
        await page.ClickAsync("nav a[href='/admin/audit']");
        await page.ClickAsync("form.filters button");
        await Expect(page.Locator("main")).ToContainTextAsync("bob@example.test");
        await page.ClickAsync("nav a[href='/admin/rollup']");
        await page.ClickAsync("#verify");
        await Eventually.TrueAsync(
            async () =>
            {
                await page.GotoAsync("/admin/rollup");
                return await page.Locator("#verdict").TextContentAsync() == "Exact";
            },
            "the totals are verified");
        Assert.Empty(window.Errors);
    }

    private Task<Site> StartAsync() => Site.StartAsync(Database, new() { ["Admin:Email"] = Owner, ["Admin:Password"] = Password });

    private Task<Window> OpenAsync(Site site, string address, string cookie = "") =>
        chromium.OpenAsync(site, address, new() { JavaScriptEnabled = false, AcceptDownloads = true }, cookie);

    private static async Task SignInAsync(IPage page, string email, string password)
    {
        await page.FillAsync("input[name=Email]", email);
        await page.FillAsync("input[name=Password]", password);
        await page.ClickAsync("main button");
    }
}
