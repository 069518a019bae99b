using System.Globalization;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>A member's stream tells of nothing but their own usage: not by what it says, and not by when it says something.</summary>
public sealed class MemberEventsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Refreshed = 1001;

    [Fact]
    public async Task Changes_of_others_are_not_even_looked_at()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Member, ann);
        await using var owners = await SseReader.OpenAsync(site);
        await owners.NextAsync();
        await using var members = await SseReader.OpenAsync(site, cookie: cookie);
        await members.NextAsync();
        await RefreshedAsync(site, ann, 1);

        // In many transactions, so that there are many folds and hints.
        for (var i = 0; i < 100; i++)
        {
            await Database.ExecuteAsync(
                "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT $1, 'm', 1, 2, 0.5, 0.25 FROM generate_series(1, 100)",
                bob);
        }

        // No hint of the test's own as a fence here: one that names nobody would have everything looked at.
        await Eventually.TrueAsync(async () => (await site.GetPageAsync("/usage")).QuerySelector("#total-requests")!.TextContent == "10,000", "the owner sees it all");
        await owners.NextAsync();
        Assert.Equal(0, members.Drain());
        await RefreshedAsync(site, ann, 1);

        // One of their own: it comes, and it is the only reading since the first.
        await Database.AddLogAsync(ann);
        var own = await members.NextAsync();
        await RefreshedAsync(site, ann, 2);
        Assert.Equal(0, members.Drain());
        using var fragment = await site.GetAsync("/usage/table", cookie);
        Assert.Equal($"\"{own.Data}\"", fragment.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task A_log_that_moves_to_another_user_wakes_both_once()
    {
        var (ann, bob, cid) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"), await Database.AddUserAsync("Cid"));
        var log = await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var readers = new List<SseReader>();
        foreach (var user in new[] { ann, bob, cid })
        {
            readers.Add(await SseReader.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, user)));
            await readers[^1].NextAsync();
        }

        await Database.ExecuteAsync("UPDATE usage_logs SET user_id = $1 WHERE id = $2", bob, log);
        await readers[0].NextAsync();
        await readers[1].NextAsync();
        await Database.AddLogAsync(cid);
        await readers[2].NextAsync();
        Assert.Equal([0, 0, 0], readers.Select(r => r.Drain()));
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task Changes_of_more_users_than_a_hint_can_name_reach_each_of_them()
    {
        await Database.AddUsersAsync(900);
        var last = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 900'");
        await using var site = await Site.StartAsync(Database);
        await using var reader = await SseReader.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, last));
        var before = (await reader.NextAsync()).Data;

        await Database.ExecuteAsync(
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd) SELECT id, 'm', 1, 2, 0.5, 0.25 FROM users");
        Assert.NotEqual(before, (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task The_same_user_seen_by_an_analyst_is_live_too()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        await using var reader = await SseReader.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Analyst), path: $"/users/{ann}/events");
        await reader.NextAsync();
        await Database.AddLogAsync(bob);
        await site.FoldedAsync();
        await site.QuietAsync();
        await Database.AddLogAsync(ann);
        await reader.NextAsync();
        Assert.Equal(0, reader.Drain());
    }

    /// <summary>Waits until a member's usage has been read so often, and sees that it was not more; a reading is logged after its event was sent.</summary>
    private static async Task RefreshedAsync(Site site, Guid member, int times)
    {
        await Eventually.TrueAsync(() => Count() >= times, string.Create(CultureInfo.InvariantCulture, $"reading {times} is logged"));
        Assert.Equal(times, Count());

        int Count() => site.Logs.Count(Refreshed, $"'/usage of {member}'");
    }
}
