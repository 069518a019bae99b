using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

public sealed class PageTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData(375, 800, ColorScheme.Light)]
    [InlineData(375, 800, ColorScheme.Dark)]
    [InlineData(900, 800, ColorScheme.Light)]
    [InlineData(1440, 900, ColorScheme.Dark)]
    [InlineData(1920, 1080, ColorScheme.Light)]
    public async Task Nothing_sticks_out_sideways(int width, int height, ColorScheme scheme)
    {
        await Database.AddUsersAsync(30);
        var longName = await Database.AddUserAsync(new string('W', 120));
        await Database.AddLogAsync(longName, 1_234_567.89m);
        await Database.AddPurchaseAsync(longName, 9_876_543.21m, "completed");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, options: new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme });
        await window.Row(longName).Locator("summary").ClickAsync();
        Assert.Equal(width, await window.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)"));
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData(375)]
    [InlineData(900)]
    public async Task Nor_does_a_users_page_with_all_its_panels(int width)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync(
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd) SELECT $1, 'large-model-' || i % 4, 98765, 1234.56, 12.34 FROM generate_series(1, 60) i", ann);
        await Database.AddPurchaseAsync(ann, 12_345.67m, "completed");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, $"/users/{ann}", new() { ViewportSize = new() { Width = width, Height = 800 } });
        await window.LiveAsync();
        await window.Page.ClickAsync("#about summary");
        Assert.Equal(width, await window.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)"));

        // What is read first stands first.
        Assert.True(await window.Page.EvaluateAsync<bool>("document.getElementById('note').getBoundingClientRect().top < document.getElementById('add-note').getBoundingClientRect().bottom"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Paging_to_and_fro_keeps_the_address_true()
    {
        await Database.AddUsersAsync(60);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?page=2");
        await window.LiveAsync();
        await window.Page.ClickAsync("#refresh-now");
        await window.UntilAsync("seen.includes('loading off')");
        foreach (var (link, page) in new[] { ("#previous", 1), ("#next", 2), ("#previous", 1), ("#next", 2), ("#next", 3) })
        {
            await window.Page.ClickAsync(link);
            await Expect(window.Page.Locator(".pager [aria-current=page]")).ToHaveTextAsync($"{page}");
            await Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(page == 1 ? "/usage$" : $"page={page}$"));
        }
    }

    [Fact]
    public async Task Without_the_CDN_the_sites_own_copy_makes_the_page_live()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.Context.UnrouteAllAsync();
        await window.Context.RouteAsync("https://cdn.jsdelivr.net/**", route => route.AbortAsync());
        await window.Page.ReloadAsync();
        await window.LiveAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    [Fact]
    public async Task An_extension_that_comes_late_still_connects()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.Context.RouteAsync("https://cdn.jsdelivr.net/**/hx-sse.min.js", async route =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            await route.FallbackAsync();
        });
        await window.Page.ReloadAsync();
        await window.LiveAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    [Fact]
    public async Task A_CDN_that_serves_something_else_is_not_trusted()
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.Context.UnrouteAllAsync();
        await window.Context.RouteAsync("https://cdn.jsdelivr.net/**", route => route.FulfillAsync(new()
        {
            ContentType = "text/javascript",
            Body = "window.evil = true",
            Headers = new Dictionary<string, string> { ["Access-Control-Allow-Origin"] = "*" },
        }));
        await window.Page.ReloadAsync();
        await window.LiveAsync();
        Assert.False(await window.Page.EvaluateAsync<bool>("'evil' in window"));
    }

    [Fact]
    public async Task Without_JavaScript_filters_sorting_and_paging_work()
    {
        await Database.AddUsersAsync(30);
        await Database.AddUserAsync("Staff", "internal");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, options: new() { JavaScriptEnabled = false });
        await window.Page.ClickAsync("#next");
        await Expect(window.Page.Locator("#showing")).ToHaveTextAsync("Showing 26–31 of 31 users");
        await window.Page.ClickAsync("#sort-name");
        await Expect(window.Page.Locator("tbody tr").First).ToContainTextAsync("Staff");
        await window.ChooseTypeAsync("external");
        await window.Page.ClickAsync("#filters button");
        await Expect(window.Page.Locator("#showing")).ToHaveTextAsync("Showing 1–25 of 30 users");
        Assert.EndsWith("/usage?type=external&sort=name", window.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Times_are_shown_in_the_readers_zone_also_after_an_update()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: new DateTime(2026, 7, 1, 22, 30, 0, DateTimeKind.Utc));
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, options: new() { TimezoneId = "Asia/Tokyo", Locale = "en-GB" });
        var time = window.Row(ann).Locator("td.last-activity time");
        await Expect(time).ToContainTextAsync("2 Jul");
        await window.LiveAsync();
        await Database.AddLogAsync(ann, at: new DateTime(2026, 7, 1, 23, 45, 0, DateTimeKind.Utc));
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("2");
        await Expect(time).ToContainTextAsync("08:45");
        await Expect(time).ToHaveAttributeAsync("datetime", "2026-07-01T23:45:00.000Z");
    }
}
