using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A viewer's own usage in a page of another origin, beyond the life of the token that it came with.</summary>
public sealed class ViewerWidgetTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Ended = "This view has ended. Reload the page to see it again.";

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(8);

    /// <summary>The widget waits for a new token for a while after the old one is over.</summary>
    private static readonly LocatorAssertionsToHaveTextOptions Patiently = new() { Timeout = 40_000 };

    [Fact]
    public async Task It_outlives_its_first_token_without_losing_page_scroll_focus_or_selection()
    {
        var ann = await AddUserAsync("Ann", logs: 35);
        await AddUserAsync("Bob", logs: 3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        var first = widget.TokenOf(ann, Life);
        var over = DateTime.UtcNow + Life;
        string? second = null;
        host.Token = () => second ??= widget.TokenOf(ann);
        host.Body = $"<p style='height: 600px'>Shop</p>{Frame(site, first)}<p style='height: 600px'>Shop</p>{Script(site)}";
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var shown = window.Page.FrameLocator("iframe");
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("35");
        await Assertions.Expect(shown.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await shown.Locator("#next").ClickAsync();
        await Assertions.Expect(shown.Locator("#newest")).ToBeVisibleAsync();
        await shown.Locator("#newest").FocusAsync();
        await window.Page.EvaluateAsync("scrollTo(0, 321)");
        var inside = Inside(window);
        await inside.EvaluateAsync(
            "window.kept = { row: document.querySelector('tr[data-log-id]'), id: document.querySelector('tr[data-log-id]').id }; getSelection().selectAllChildren(kept.row)");
        var selected = await inside.EvaluateAsync<string>("getSelection().toString()");

        await Eventually.TrueAsync(
            async () => second is not null && await inside.EvaluateAsync<bool>("t => location.pathname === `/embed/${t}` && document.querySelector('#refresh').dataset.version !== '' && document.querySelector('#refresh').getAttribute('hx-get').startsWith(`/embed/${t}/`)", second),
            "the widget has taken the new token over");
        await Eventually.TrueAsync(() => DateTime.UtcNow > over.AddSeconds(3), "the first token is over");
        await Database.AddLogAsync(ann, at: DateTime.UtcNow);
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("36");
        await Assertions.Expect(shown.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        Assert.True(await inside.EvaluateAsync<bool>("kept.row.isConnected && kept.row === document.querySelector('tr[data-log-id]') && kept.row.id === kept.id"), "the same rows of the same page");
        Assert.Equal("newest", await inside.EvaluateAsync<string>("document.activeElement.id"));
        Assert.Equal(selected, await inside.EvaluateAsync<string>("getSelection().toString()"));
        Assert.Equal(321, await window.Page.EvaluateAsync<int>("scrollY"));
        Assert.StartsWith("?before=", await inside.EvaluateAsync<string>("location.search"), StringComparison.Ordinal);
        Assert.DoesNotContain(first, await inside.ContentAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await inside.EvaluateAsync<int>("document.querySelectorAll('.live-stream').length"));
        Assert.Equal(1, host.TokensAsked);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_host_that_answers_late_brings_it_back()
    {
        var ann = await AddUserAsync("Ann", logs: 3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        host.Body = Frame(site, widget.TokenOf(ann, TimeSpan.FromSeconds(4))) + Script(site);
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var shown = window.Page.FrameLocator("iframe");
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("3");
        await Inside(window).EvaluateAsync("addEventListener('session-ended', () => window.wasOver = true, true)");
        await Eventually.TrueAsync(() => Inside(window).EvaluateAsync<bool>("window.wasOver === true"), "the first token is over");
        Assert.True(host.TokensAsked > 0, "it has asked before");
        Assert.Equal(3, await shown.Locator("tr[data-log-id]").CountAsync());

        host.Token = () => widget.TokenOf(ann);
        await Database.AddLogAsync(ann);
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("4");
        await Assertions.Expect(shown.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Assertions.Expect(shown.Locator("#problem")).ToHaveTextAsync("");
    }

    [Fact]
    public async Task A_host_that_cannot_renew_it_lets_it_end_with_a_word()
    {
        var ann = await AddUserAsync("Ann", logs: 3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        host.Body = Frame(site, widget.TokenOf(ann, TimeSpan.FromSeconds(4))) + Script(site);
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var shown = window.Page.FrameLocator("iframe");
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("3");
        await Assertions.Expect(shown.Locator("#problem")).ToHaveTextAsync(Ended, Patiently);
        Assert.InRange(host.TokensAsked, 3, 12);
        Assert.Equal(0, await shown.Locator("tr, a").CountAsync());
    }

    [Fact]
    public async Task A_host_without_the_script_lets_it_end_with_a_word()
    {
        var ann = await AddUserAsync("Ann", logs: 3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        host.Body = Frame(site, widget.TokenOf(ann, TimeSpan.FromSeconds(4)));
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var shown = window.Page.FrameLocator("iframe");
        await Assertions.Expect(shown.Locator("#total-requests")).ToHaveTextAsync("3");
        await Assertions.Expect(shown.Locator("#problem")).ToHaveTextAsync(Ended);
        Assert.Equal(0, await shown.Locator("tr, a").CountAsync());
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Once_the_widget_is_revoked_new_tokens_do_not_bring_it_back()
    {
        var ann = await AddUserAsync("Ann", logs: 3);
        await using var site = await Site.StartAsync(Database);
        await using var host = await HostPage.StartAsync();
        var widget = await site.AddViewerWidgetAsync(origins: [host.Origin]);
        host.Token = () => widget.TokenOf(ann, TimeSpan.FromMinutes(9));
        host.Body = Frame(site, widget.TokenOf(ann)) + Script(site);
        await using var window = await chromium.OpenAsync(site, host.Origin, cookie: "");
        var shown = window.Page.FrameLocator("iframe");
        await Assertions.Expect(shown.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        await Database.ExecuteAsync("UPDATE embeds SET revoked_at = now()");
        await Assertions.Expect(shown.Locator("#problem")).ToHaveTextAsync(Ended);
        Assert.Equal(1, host.TokensAsked);
        Assert.Equal(0, await shown.Locator("tr, a").CountAsync());
    }

    private async Task<Guid> AddUserAsync(string name, int logs)
    {
        var user = await Database.AddUserAsync(name);
        for (var i = 1; i <= logs; i++)
            await Database.AddLogAsync(user, at: DateTime.UtcNow.AddMinutes(-i));
        return user;
    }

    private static string Frame(Site site, string token) =>
        $"<iframe src='{new Uri(site.Address, "/embed/" + token)}' data-usage-renew='{HostPage.TokenPath}' width=900 height=400></iframe>";

    private static string Script(Site site) => $"<script async src='{new Uri(site.Address, "/js/embed.js")}'></script>";

    private static IFrame Inside(Window window) => window.Page.Frames.Single(f => f.ParentFrame is not null);
}
