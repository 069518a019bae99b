using System.Net.Http.Headers;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A refresh brings what changed; what the browser puts together is the whole page.</summary>
public sealed class DifferencesTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>Everything that a reader can see, from a document: exact values and times, order, links.</summary>
    private const string Content = """
        root => [...root.querySelectorAll("#usage-table :is(data, time, a, tr, summary, .email, .paid-dot, [data-version])")].map(e =>
          [e.tagName, e.id, e.getAttribute("value") ?? e.getAttribute("datetime") ?? e.getAttribute("href") ?? e.dataset.version ?? "",
           e.matches("summary, .email") ? e.textContent : ""].join(" ")).join("\n")
        """;

    [Fact]
    public async Task Whatever_changes_the_page_equals_a_fresh_one_and_only_differences_came()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database, new() { ["Live:Debounce"] = "00:00:00.050" });
        await using var window = await chromium.OpenAsync(site, "/usage?size=10");
        var statuses = new List<int>();
        window.Page.Response += (_, response) =>
        {
            if (response.Url.Contains("/usage/table", StringComparison.Ordinal))
                statuses.Add(response.Status);
        };
        await window.LiveAsync();
        string[] changes =
        [
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT id, 'm', 1, 2, 3, 4 FROM users ORDER BY random() LIMIT 1",
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT id, 'm', 1, 2, 3, 4 FROM users ORDER BY random() LIMIT 12",
            "INSERT INTO credit_purchases (user_id, amount_usd, credits, status) SELECT id, 10, 20, 'completed' FROM users ORDER BY random() LIMIT 15",
            "DELETE FROM usage_logs WHERE id IN (SELECT id FROM usage_logs ORDER BY created_at DESC LIMIT 3)",
            "UPDATE users SET name = name || '<b>' WHERE id IN (SELECT id FROM users ORDER BY random() LIMIT 10)",
            "INSERT INTO users (email, name, user_type) SELECT gen_random_uuid() || '@example.test', 'New', 'external' FROM generate_series(1, 7)",
            "DELETE FROM usage_logs",
        ];
        foreach (var change in changes)
        {
            await Database.ExecuteAsync(change);
            await site.FoldedAsync();
            await site.QuietAsync();
            await AssertFreshAsync(site, window);
        }

        // The first change may come before the filter set has read what the page was rendered with.
        Assert.Contains(226, statuses);
        Assert.DoesNotContain(200, statuses.Skip(1));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Differences_from_what_is_not_there_are_not_shown_but_all_is_asked_for()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddUsersAsync(5);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc");
        await window.LiveAsync();
        await window.Page.EvaluateAsync("document.querySelector('tbody tr:last-child').remove()");
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Page.Locator("tbody tr")).ToHaveCountAsync(6);
        await AssertFreshAsync(site, window);
    }

    private static async Task AssertFreshAsync(Site site, Window window)
    {
        await Eventually.TrueAsync(
            async () => await VersionAsync(site, window) == await window.Page.EvaluateAsync<string>("document.getElementById('refresh').dataset.version"),
            "the page shows the current version");
        var fresh = await window.Page.EvaluateAsync<string>(
            $"async () => ({Content})(new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html'))");
        Assert.Equal(fresh, await window.Page.EvaluateAsync<string>($"() => ({Content})(document)"));
    }

    private static async Task<string> VersionAsync(Site site, Window window)
    {
        using var response = await site.Http.GetAsync(new Uri("/usage/table" + new Uri(window.Page.Url).Query, UriKind.Relative), Cancellation);
        return ((EntityTagHeaderValue)response.Headers.ETag!).Tag.Trim('"');
    }
}
