using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>New alerts on open pages.</summary>
public sealed class AlertTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_new_alert_shows_at_once_on_pages_of_owners_and_analysts_and_on_no_members()
    {
        var ann = await Database.AddUserAsync("Ann <b>");
        await using var site = await Site.StartAsync(Database, new() { ["Alerts:Interval"] = "00:00:00.100" });
        foreach (var (name, threshold) in new[] { ("Many <i>fail", 2), ("Anything fails", 1) })
        {
            await Database.ExecuteAsync(
                "INSERT INTO alert_rules (name, kind, threshold, user_id, is_enabled) VALUES ($1, 'failures', $2, $3, true)", name, threshold, ann);
        }

        await using var owner = await chromium.OpenAsync(site);
        await using var analyst = await chromium.OpenAsync(site, $"/users/{ann}", cookie: await site.SignInAsync(AccountRole.Analyst));
        await using var member = await chromium.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, ann));
        Window[] windows = [owner, analyst, member];
        foreach (var window in windows)
        {
            await window.LiveAsync();
            Assert.Equal(0, window.Requests("/js/alerts.js"));
        }

        await FailAsync(ann);
        await Expect(owner.Page.Locator("#new-alerts[role=status] p")).ToHaveTextAsync("Anything fails Ann <b>: 1 failed in 60 minutesAlertsClose");
        await Expect(analyst.Page.Locator("#new-alerts p")).ToHaveTextAsync("Anything fails Ann <b>: 1 failed in 60 minutesClose");
        await FailAsync(ann);
        await Expect(owner.Page.Locator("#new-alerts p")).ToHaveCountAsync(2);
        await Expect(owner.Page.Locator("#new-alerts strong").Last).ToHaveTextAsync("Many <i>fail");

        await Expect(member.Page.Locator("#total-requests")).ToHaveTextAsync("2");
        await Expect(member.Page.Locator("#new-alerts")).ToHaveCountAsync(0);
        Assert.Equal((0, 0), (member.Requests("/js/alerts.js"), member.Requests("/alerts")));

        await owner.Page.Locator("#new-alerts button").First.ClickAsync();
        await Expect(owner.Page.Locator("#new-alerts p")).ToHaveCountAsync(1);
        await owner.Page.Locator("#new-alerts a").ClickAsync();
        await Expect(owner.Page.Locator("#alerts > li")).ToHaveCountAsync(2);
        Assert.All(windows, window => Assert.Empty(window.Errors));
    }

    private Task FailAsync(Guid user) => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'm', 'failed')", user);
}
