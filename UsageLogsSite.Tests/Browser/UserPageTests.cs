using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>One user's page in a real browser: all of it is live, and a log opens and leads back.</summary>
public sealed class UserPageTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task Models_charts_and_purchases_follow_every_change_by_themselves(AccountRole role)
    {
        var ann = await Database.AddUserAsync("Ann");
        for (var i = 0; i < 30; i++)
            await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddMinutes(-i));
        await using var site = await Site.StartAsync(Database);
        var path = role == AccountRole.Member ? "/usage" : $"/users/{ann}";
        await using var window = await chromium.OpenAsync(site, path, cookie: await site.SignInAsync(role, role == AccountRole.Member ? ann : null));
        await window.LiveAsync();
        var page = window.Page;

        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, status) VALUES ($1, 'brand-new', 5, 'failed')", ann);
        await Expect(page.Locator("#models tbody tr")).ToHaveCountAsync(2);
        await Expect(page.Locator("#models tbody tr").Last).ToContainTextAsync("brand-new");
        await Expect(page.Locator("#chart .second").Last).ToBeVisibleAsync();

        var purchase = await Database.AddPurchaseAsync(ann, 20, "completed");
        await Expect(page.Locator("#purchases .standing")).ToHaveTextAsync("Completed");
        await Expect(page.Locator("#balance span").First).ToHaveTextAsync("2,000");
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'refunded' WHERE id = $1", purchase);
        await Expect(page.Locator("#purchases .standing")).ToHaveTextAsync("Refunded");

        await page.SelectOptionAsync("select[name=status]", "failed");
        await Expect(page.Locator("tr[data-log-id]")).ToHaveCountAsync(1);
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"\?status=failed$"));
        await page.ClickAsync("tr[data-log-id] .at a");
        await Expect(page.Locator("#log .model")).ToHaveTextAsync("brand-new");
        await Expect(page.Locator("#log time")).Not.ToBeEmptyAsync();
        await page.ClickAsync("#back");
        await Expect(page.Locator("tr[data-log-id]:target")).ToHaveCountAsync(1);
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"\?status=failed#log-"));
        Assert.Empty(window.Errors);
    }
}
