using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Users;

/// <summary>One log by its own address: all of it, to those who may see it, and the way back.</summary>
public sealed class LogPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData(AccountRole.Owner)]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task A_log_of_the_list_opens_with_all_of_it_and_leads_back_to_its_place(AccountRole role)
    {
        var ann = await AddAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, await site.SignInAsync(role, role == AccountRole.Member ? ann : null));
        var path = role == AccountRole.Member ? "/usage" : $"/users/{ann}";
        var list = await visit.PageAsync(path + "?model=alpha&size=10");
        var link = list.QuerySelectorAll("tr[data-log-id] .at a")[4].GetAttribute("href")!;
        var id = Guid.Parse(link.Split('/')[^1].Split('?')[0]);

        var page = await visit.PageAsync(link);
        Assert.Equal(
            await Database.RowsAsync($"SELECT model, prompt_tokens, completion_tokens, trim_scale(credits), trim_scale(cost_usd), to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM usage_logs WHERE id = '{id}'"),
            [string.Join('|', page.QuerySelector("#log .model")!.TextContent, Value(".prompt"), Value(".completion"), Value(".credits"), Value(".cost"), page.QuerySelector("#utc")!.TextContent)]);
        Assert.Equal("$0.015", page.QuerySelector("#cost-per-1000")!.TextContent);
        var back = page.QuerySelector("#back")!.GetAttribute("href")!;
        Assert.Equal($"{path}?model=alpha&size=10#log-{id}", back);

        // Many have come on top since: the way back leads to where it is now.
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT $1, 'alpha' FROM generate_series(1, 40)", ann);
        var later = (await visit.PageAsync(link)).QuerySelector("#back")!.GetAttribute("href")!;
        Assert.Equal(id.ToString(), (await visit.PageAsync(later.Split('#')[0])).QuerySelector("tr[data-log-id]")!.GetAttribute("data-log-id"));
        Assert.Equal(role == AccountRole.Member ? 0L : 1L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = 'ViewedLogs' AND subject = $1", ann.ToString()));

        string? Value(string cell) => page.QuerySelector($"#log {cell} data")!.GetAttribute("value");
    }

    [Fact]
    public async Task What_is_not_there_and_what_is_somebody_elses_look_the_same()
    {
        var (ann, bob) = (await AddAsync("Ann"), await AddAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        var (anns, bobs) = (await NewestAsync(ann), await NewestAsync(bob));
        using var member = new Visit(site.Address, await site.SignInAsync(AccountRole.Member, ann));
        using var owner = new Visit(site.Address, site.Cookie);
        Assert.Equal(HttpStatusCode.OK, (await member.GetAsync($"/usage/logs/{anns}")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await owner.GetAsync($"/users/{bob}/logs/{bobs}")).StatusCode);

        var missing = await BodyAsync(member, $"/usage/logs/{Guid.NewGuid()}");
        foreach (var address in new[] { $"/usage/logs/{bobs}", $"/users/{ann}/logs/{anns}", $"/users/{bob}/logs/{bobs}", "/usage/logs/nothing" })
            Assert.Equal(missing, await BodyAsync(member, address));
        foreach (var address in new[] { $"/users/{ann}/logs/{bobs}", $"/users/{Guid.NewGuid()}/logs/{bobs}", $"/usage/logs/{bobs}", $"/users/{bob}/logs/{Guid.NewGuid()}" })
            await BodyAsync(owner, address);
    }

    private Task<Guid> NewestAsync(Guid user) => Database.ScalarAsync<Guid>("SELECT id FROM usage_logs WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1", user);

    /// <summary>What a page that is not there says, without what differs in each answer.</summary>
    private static async Task<string> BodyAsync(Visit visit, string address)
    {
        using var answer = await visit.GetAsync(address);
        Assert.Equal((address, HttpStatusCode.NotFound), (address, answer.StatusCode));
        return (await Visit.ReadAsync(answer)).QuerySelector("main")!.TextContent;
    }

    private async Task<Guid> AddAsync(string name)
    {
        var user = await Database.AddUserAsync(name);
        await Database.ExecuteAsync(
            "INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at) SELECT $1, (ARRAY['alpha', 'beta'])[1 + i % 2], 10 * i, 10 * i, 0.125 * i, 0.0003 * i, now() - i * interval '1 minute' FROM generate_series(1, 60) i",
            user);
        return user;
    }
}
