using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Whatever fails between the browser and the site, the open page says so, and is right again soon after.</summary>
public sealed class NetworkFaultTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const float RightWithin = 20_000;

    [Theory]
    [InlineData("Cut")]
    [InlineData("BlackHole")]
    public async Task A_broken_connection_is_noticed_told_and_made_good(string fault)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Heartbeat"] = "00:00:01" });
        await using var proxy = new FaultProxy(site.Address.Host, site.Address.Port);
        await using var window = await chromium.OpenAsync(site, options: new() { BaseURL = proxy.Address.ToString() });
        await window.LiveAsync();

        proxy.Set(Enum.Parse<Fault>(fault));
        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "reconnecting", new() { Timeout = 25_000 });
        await Expect(window.Page.Locator("#live-status")).ToContainTextAsync("as of");
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("0");

        proxy.Set(Fault.None);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1", new() { Timeout = RightWithin });
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live", new() { Timeout = RightWithin });
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync();
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_redeployed_site_is_found_again_and_what_changed_meanwhile_is_shown()
    {
        var ann = await Database.AddUserAsync("Ann");
        var old = await Site.StartAsync(Database);
        await using var proxy = new FaultProxy(old.Address.Host, old.Address.Port);
        await using var window = await chromium.OpenAsync(old, options: new() { BaseURL = proxy.Address.ToString() });
        await window.LiveAsync();
        await old.DisposeAsync();
        await Database.AddLogAsync(ann);

        await using var site = await Site.StartAsync(Database);
        proxy.LeadTo(site.Address.Host, site.Address.Port);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1", new() { Timeout = RightWithin });
        await window.LiveAsync();
    }

    [Fact]
    public async Task A_browser_that_was_offline_catches_up()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Context.SetOfflineAsync(true);
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "offline");
        await Expect(window.Page.Locator("#live-status")).ToContainTextAsync("Offline, as of");
        await Database.AddLogAsync(ann);

        await window.Context.SetOfflineAsync(false);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1", new() { Timeout = RightWithin });
        await window.LiveAsync();
    }

    [Fact]
    public async Task A_stream_at_the_end_of_its_life_is_replaced_unnoticed()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamLifetime"] = "00:00:02" });
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await window.Page.EvaluateAsync(
            "window.states = []; new MutationObserver(() => states.push(document.getElementById('live-status').dataset.state)).observe(document.getElementById('live-status'), { attributes: true })");
        await Eventually.TrueAsync(() => site.Logs.Count(1003) >= 3, "the stream was opened a third time");
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        Assert.DoesNotContain("reconnecting", await window.Page.EvaluateAsync<string[]>("states"));
    }
}
