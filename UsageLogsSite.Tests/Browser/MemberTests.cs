using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>What a member sees in a real browser: their own usage, live.</summary>
public sealed class MemberTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task Own_usage_is_live_and_that_of_others_is_not_there()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await Database.AddLogAsync(bob);
        for (var i = 0; i < 30; i++)
            await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddMinutes(-i));
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, ann));
        await window.LiveAsync();
        await Assertions.Expect(window.Page.Locator("h1")).ToHaveTextAsync("My usage");
        await Assertions.Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("30");
        Assert.Equal(25, await window.Page.Locator("tr[data-log-id]").CountAsync());
        Assert.Equal(0, await window.Page.Locator("tr[data-user-id]").CountAsync());
        await window.SeenAsync();

        var log = await Database.AddLogAsync(ann);
        await Assertions.Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("31");
        await Assertions.Expect(window.Page.Locator("tr[data-log-id]").First).ToHaveAttributeAsync("data-log-id", log.ToString());
        await window.UntilAsync("!document.querySelector('.htmx-request')");
        Assert.Equal(["syncing on", "syncing off"], await window.SeenAsync());

        await window.Page.ClickAsync("#next");
        await Assertions.Expect(window.Page.Locator("tr[data-log-id]")).ToHaveCountAsync(6);
        await window.Page.ClickAsync("#newest");
        await Assertions.Expect(window.Page.Locator("tr[data-log-id]")).ToHaveCountAsync(25);
        await window.Page.SelectOptionAsync("select[name=period]", "today");
        await Assertions.Expect(window.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"/usage\?period=today$"));
        Assert.DoesNotContain("Bob", await window.Page.ContentAsync(), StringComparison.Ordinal);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task After_signing_out_the_next_member_finds_nothing_of_the_first_in_the_same_browser()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) VALUES ($1, 'anns-model', 1, 1, 1, 1)", ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, ann));
        await window.LiveAsync();
        await Assertions.Expect(window.Page.Locator("#usage-table")).ToContainTextAsync("anns-model");
        await window.Page.ClickAsync("form[action='/account/sign-out'] button");
        await window.Page.WaitForURLAsync("**/account/sign-in**");

        var parts = (await site.SignInAsync(AccountRole.Member, bob)).Split('=', 2);
        await window.Context.AddCookiesAsync([new Cookie { Name = parts[0], Value = parts[1], Url = site.Address.ToString() }]);
        await window.Page.GoBackAsync();
        await Assertions.Expect(window.Page.Locator("h1")).ToHaveTextAsync("My usage");
        Assert.DoesNotContain("anns-model", await window.Page.ContentAsync(), StringComparison.Ordinal);
        await window.Page.GotoAsync("/usage");
        Assert.DoesNotContain("anns-model", await window.Page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_ends_leaves_the_page_readable_and_says_how_to_go_on()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, ann));
        await window.LiveAsync();
        await Database.ExecuteAsync("UPDATE accounts SET is_disabled = true WHERE role = 'member'");
        await Assertions.Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "signed-out");
        await Assertions.Expect(window.Page.Locator("#problem a")).ToHaveAttributeAsync("href", "/account/sign-in?returnUrl=%2Fusage");
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "the stream is closed");
        Assert.Empty(window.Errors);
    }
}
