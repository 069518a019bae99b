using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Who asks, remembered; and streams that end with the right to see.</summary>
public sealed class VisitorsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Whose_cookie_it_is_is_looked_up_once_and_remembering_costs_next_to_nothing()
    {
        await using var site = await Site.StartAsync(Database);
        var visitors = site.Services.GetRequiredService<Visitors>();
        var http = Request(site.Cookie);
        var first = await visitors.OfAsync(http);
        Assert.Equal(AccountRole.Owner, first!.Role);
        Assert.Same(first, await visitors.OfAsync(http));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            await visitors.OfAsync(http);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    [Fact]
    public async Task While_nothing_is_heard_nobody_is_remembered()
    {
        await using var site = await Site.StartAsync(Database);
        var visitors = site.Services.GetRequiredService<Visitors>();
        visitors.Lose();
        var (first, second) = (await visitors.OfAsync(Request(site.Cookie)), await visitors.OfAsync(Request(site.Cookie)));
        Assert.Equal(first, second);
        Assert.NotSame(first, second);
        visitors.Recheck();
        Assert.Same(await visitors.OfAsync(Request(site.Cookie)), await visitors.OfAsync(Request(site.Cookie)));
    }

    [Theory]
    [InlineData("DELETE FROM sessions WHERE account_id = $1")]
    [InlineData("UPDATE accounts SET is_disabled = true WHERE id = $1")]
    [InlineData("UPDATE accounts SET role = 'analyst' WHERE id = $1")]
    [InlineData("UPDATE accounts SET user_id = gen_random_uuid() WHERE id = $1")]
    [InlineData("DELETE FROM accounts WHERE id = $1")]
    public async Task What_is_held_ends_once_within_two_seconds_and_others_stay(string sql)
    {
        await using var site = await Site.StartAsync(Database);
        var visitors = site.Services.GetRequiredService<Visitors>();
        var (ann, bob) = (await VisitorAsync(site, AccountRole.Member), await VisitorAsync(site, AccountRole.Member));
        var (ended, bobs) = (0, 0);
        using var held = visitors.Hold(ann, () => Interlocked.Increment(ref ended));
        using var forgotten = visitors.Hold(ann, () => Interlocked.Increment(ref bobs));
        using var other = visitors.Hold(bob, () => Interlocked.Increment(ref bobs));
        forgotten.Dispose();
        await site.HeardAsync();

        var start = Stopwatch.GetTimestamp();
        await Database.ExecuteAsync(sql, ann.AccountId);
        await Eventually.TrueAsync(() => Volatile.Read(ref ended) == 1, "the held session is over");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        await Database.ExecuteAsync("SELECT pg_notify('usage_access_changed', 'all')");
        await Database.ExecuteAsync("DELETE FROM sessions WHERE account_id = $1", bob.AccountId);
        await Eventually.TrueAsync(() => Volatile.Read(ref bobs) == 1, "the other is over too");
        Assert.Equal(1, ended);
        Assert.Equal(0, site.Services.GetRequiredService<HeldSessions>().Count);
    }

    [Fact]
    public async Task What_was_over_before_it_was_held_ends_too()
    {
        await using var site = await Site.StartAsync(Database);
        var visitors = site.Services.GetRequiredService<Visitors>();
        var ann = await VisitorAsync(site, AccountRole.Member);
        await Database.ExecuteAsync("DELETE FROM sessions WHERE account_id = $1", ann.AccountId);
        await site.HeardAsync();
        var ended = new TaskCompletionSource();
        using var held = visitors.Hold(ann, ended.SetResult);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
    }

    [Fact]
    public async Task A_session_that_expires_ends_what_is_held_unless_a_page_has_begun_it_anew()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Sessions:Lifetime"] = "00:00:03" });
        var visitors = site.Services.GetRequiredService<Visitors>();
        var (ann, bob) = (await VisitorAsync(site, AccountRole.Member), await VisitorAsync(site, AccountRole.Member));
        await Database.ExecuteAsync("UPDATE sessions SET expires_at = now() + interval '1 hour' WHERE account_id = $1", bob.AccountId);
        var (anns, bobs) = (0, 0);
        using var held = visitors.Hold(ann, () => Interlocked.Increment(ref anns));
        using var other = visitors.Hold(bob, () => Interlocked.Increment(ref bobs));
        await Eventually.TrueAsync(() => Volatile.Read(ref anns) == 1, "the session has expired");
        Assert.InRange(DateTimeOffset.UtcNow - ann.Expires, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(0, Volatile.Read(ref bobs));
    }

    [Fact]
    public void Memory_is_bounded_and_keeps_nothing_that_was_looked_up_before_it_was_forgotten()
    {
        var memory = new GrantMemory<Visitor>(visitor => visitor.AccountId, most: 10);
        var (ann, account) = (NewVisitor(), Guid.NewGuid());
        memory.Keep("early", ann, memory.Age);
        Assert.Null(memory.Find("early"));

        memory.ForgetAll(isTrusted: true);
        var age = memory.Age;
        memory.Keep("ann", ann, age);
        Assert.Same(ann, memory.Find("ann"));
        Assert.True(memory.Has(ann));
        memory.Forget(account);
        Assert.Same(ann, memory.Find("ann"));
        memory.Keep("late", ann, age);
        Assert.Null(memory.Find("late"));
        memory.Forget(ann.AccountId);
        Assert.Null(memory.Find("ann"));
        Assert.False(memory.Has(ann));

        for (var i = 0; i < 100; i++)
            memory.Keep($"{i}", NewVisitor(), memory.Age);
        Assert.InRange(Enumerable.Range(0, 100).Count(i => memory.Find($"{i}") is not null), 1, 10);
    }

    private static Visitor NewVisitor() => new("", Guid.NewGuid(), "", AccountRole.Member, null, DateTimeOffset.MaxValue);

    private static DefaultHttpContext Request(string cookie)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Cookie = cookie;
        return http;
    }

    private static async Task<Visitor> VisitorAsync(Site site, AccountRole role) =>
        (await site.Services.GetRequiredService<Visitors>().OfAsync(Request(await site.SignInAsync(role))))!;
}
