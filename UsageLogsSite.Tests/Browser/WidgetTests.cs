using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A widget where it lives: in a page of another origin, in a browser that knows nobody.</summary>
public sealed class WidgetTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Frame = "document.querySelector('iframe').getBoundingClientRect().height";

    [Fact]
    public async Task It_is_live_and_as_tall_as_what_is_in_it()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (_, path) = await site.AddWidgetAsync("?type=external&size=10", origins: [host.Origin]);
        host.Body = $"<iframe src='{Of(site, path)}' width=900 height=1500></iframe><script async src='{Of(site, "/js/embed.js")}'></script>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var widget = window.Page.FrameLocator("iframe");
        await Assertions.Expect(widget.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Assertions.Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(3);
        var small = await FittedAsync(window); // shrunk from 1500

        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT format('new%s@example.test', i), 'New ' || i FROM generate_series(1, 9) i");
        await Assertions.Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(10);
        var tall = await FittedAsync(window);
        Assert.True(tall > small + 100, $"{tall} is taller than {small}");

        await widget.Locator("#next").ClickAsync();
        await Assertions.Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(2);
        Assert.True(await FittedAsync(window) < tall - 100, "it shrinks to its second page");
        Assert.Equal(host.Origin + "/", window.Page.Url);

        await Database.ExecuteAsync("UPDATE users SET user_type = 'internal' WHERE name LIKE 'New%'");
        await Assertions.Expect(widget.Locator("tr[data-user-id]")).ToHaveCountAsync(3);
        Assert.InRange(await FittedAsync(window), small - 2, small + 2);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Without_the_script_it_scrolls_in_the_height_it_was_given()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (_, path) = await site.AddWidgetAsync(origins: [host.Origin]);
        host.Body = $"<iframe src='{Of(site, path)}' style='border: 0; height: 250px'></iframe>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        await Assertions.Expect(window.Page.FrameLocator("iframe").Locator("tr[data-user-id]")).ToHaveCountAsync(3);
        await Database.AddLogAsync(await Database.AddUserAsync("Ann"));
        await Assertions.Expect(window.Page.FrameLocator("iframe").Locator("tr[data-user-id]")).ToHaveCountAsync(4);
        Assert.Equal(250, await window.Page.EvaluateAsync<double>(Frame));
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData(EmbedTheme.Light, ColorScheme.Dark, "rgb(246, 247, 249)")]
    [InlineData(EmbedTheme.Dark, ColorScheme.Light, "rgb(15, 19, 24)")]
    [InlineData(EmbedTheme.Auto, ColorScheme.Dark, "rgb(15, 19, 24)")]
    [InlineData(EmbedTheme.Auto, ColorScheme.Light, "rgb(246, 247, 249)")]
    [InlineData(EmbedTheme.Transparent, ColorScheme.Dark, "rgba(0, 0, 0, 0)")]
    public async Task It_has_the_colours_of_its_theme(EmbedTheme theme, ColorScheme system, string background)
    {
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (_, path) = await site.AddWidgetAsync(theme: theme, origins: [host.Origin]);
        host.Body = $"<iframe src='{Of(site, path)}'></iframe>";
        await using var window = await chromium.OpenAsync(site, host.Origin, new BrowserNewContextOptions { ColorScheme = system }, cookie: "");
        await Assertions.Expect(window.Page.FrameLocator("iframe").Locator("body")).ToHaveCSSAsync("background-color", background);
    }

    [Fact]
    public async Task Where_it_may_not_be_the_browser_refuses_it()
    {
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (_, path) = await site.AddWidgetAsync(origins: ["https://shop.example"]);
        host.Body = $"<iframe src='{Of(site, path)}'></iframe>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        await Eventually.TrueAsync(() => window.Errors.Any(e => e.Contains("frame-ancestors", StringComparison.Ordinal)), "the browser says that it refuses");
        Assert.Equal(0, await window.Page.FrameLocator("iframe").Locator("#usage-table").CountAsync());
    }

    [Fact]
    public async Task Once_it_is_revoked_it_says_so_and_shows_nothing_more()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var (id, path) = await site.AddWidgetAsync(origins: [host.Origin]);
        host.Body = $"<iframe src='{Of(site, path)}'></iframe>";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var widget = window.Page.FrameLocator("iframe");
        await Assertions.Expect(widget.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Database.ExecuteAsync("UPDATE embeds SET revoked_at = now() WHERE id = $1", id);
        await Assertions.Expect(widget.Locator("#problem")).ToHaveTextAsync("This widget is no longer available.");
        Assert.Equal(0, await widget.Locator("tr, a").CountAsync());
    }

    private static string Of(Site site, string path) => new Uri(site.Address, path).ToString();

    /// <summary>Waits until the frame is as tall as what is in it.</summary>
    /// <returns>How tall that is.</returns>
    private static async Task<double> FittedAsync(Window window)
    {
        var inside = window.Page.Frames.Single(f => f.ParentFrame is not null);
        var height = 0d;
        await Eventually.TrueAsync(
            async () =>
            {
                height = await window.Page.EvaluateAsync<double>("document.querySelector('iframe').clientHeight");
                return Math.Abs(height - await inside.EvaluateAsync<double>("document.documentElement.getBoundingClientRect().height")) <= 1.5;
            },
            "the frame fits");
        return height;
    }
}
