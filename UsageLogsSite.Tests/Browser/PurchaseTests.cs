using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

public sealed class PurchaseTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_completed_payment_lights_the_dot_and_raises_revenue_and_a_refund_or_deletion_takes_it_back()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        var revenue = window.Page.Locator("#total-revenue");
        var dot = window.Row(ann).Locator(".paid-dot");
        await Expect(dot).ToHaveCountAsync(0);

        var requests = window.Requests("/usage/table");
        var first = await Database.AddPurchaseAsync(ann, 40, "pending");
        await Database.AddPurchaseAsync(ann, 99, "failed");

        // The next relevant change is the fence: only its own request may have been made.
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'completed' WHERE id = $1", first);
        await Expect(dot).ToBeVisibleAsync();
        await Expect(dot).ToHaveTextAsync("Completed payment");
        await Expect(revenue).ToHaveTextAsync("$40.00");
        await Expect(window.Row(ann).Locator("td.credits .bought")).ToHaveTextAsync("4,000");
        Assert.Equal(requests + 1, window.Requests("/usage/table"));

        var second = await Database.AddPurchaseAsync(ann, 25.5m, "completed");
        await Expect(revenue).ToHaveTextAsync("$65.50");
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'refunded' WHERE id = $1", first);
        await Expect(revenue).ToHaveTextAsync("$25.50");
        await Expect(dot).ToBeVisibleAsync();
        await Database.ExecuteAsync("DELETE FROM credit_purchases WHERE id = $1", second);
        await Expect(revenue).ToHaveTextAsync("$0.00");
        await Expect(dot).ToHaveCountAsync(0);
        Assert.Empty(window.Errors);
    }
}
