using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What comes one by one is done at once, or together with what comes meanwhile; never is any of it forgotten.</summary>
public sealed class GroupsTests
{
    [Fact]
    public async Task The_first_is_done_at_once_and_what_comes_meanwhile_together()
    {
        var (begun, go) = (new List<int[]>(), new SemaphoreSlim(0));
        var groups = new Groups<int, bool>(most: 4, atOnce: 1, async group =>
        {
            lock (begun)
                begun.Add([.. group.Select(member => member.Asked)]);
            await go.WaitAsync(TestContext.Current.CancellationToken);
        });
        _ = groups.AskAsync(0, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => Begun() == 1, "the first has begun");
        for (var i = 1; i <= 6; i++)
            _ = groups.AskAsync(i, TestContext.Current.CancellationToken);
        Assert.Equal(6, groups.Waiting);
        go.Release(3);
        await Eventually.TrueAsync(() => Begun() == 3, "all have begun");
        int[][] expected = [[0], [1, 2, 3, 4], [5, 6]];
        Assert.Equal(expected, begun);

        int Begun()
        {
            lock (begun)
                return begun.Count;
        }
    }

    [Fact]
    public async Task Whoever_asks_whenever_is_told_and_only_so_many_are_at_work()
    {
        const int Callers = 8;
        const int Each = 5_000;
        var (atWork, most, done) = (0, 0, 0);
        var groups = new Groups<int, int>(most: 50, atOnce: 2, async group =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref atWork));
            if (group.Count % 3 == 0)
                await Task.Yield();
            Interlocked.Decrement(ref atWork);
            foreach (var member in group)
                member.Answer.SetResult(-member.Asked);
        });
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                Assert.Equal(-i, await groups.AskAsync(i, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60)));
                Interlocked.Increment(ref done);
            }
        })));
        Assert.Equal((Callers * Each, 0), (done, groups.Waiting));
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task None_is_forgotten_after_whom_nobody_asks()
    {
        var groups = new Groups<int, int>(most: 1, atOnce: 2, group =>
        {
            foreach (var member in group)
                member.Answer.SetResult(member.Asked);
            return Task.CompletedTask;
        });
        using var together = new Barrier(participantCount: 3);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 20_000; i++)
                {
                    together.SignalAndWait(TestContext.Current.CancellationToken);
                    Assert.True(groups.AskAsync(i, TestContext.Current.CancellationToken).Wait(TimeSpan.FromSeconds(20)));
                }
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }

    [Fact]
    public async Task What_goes_wrong_is_told_to_all_of_the_group_and_the_next_is_done()
    {
        var groups = new Groups<string, string>(most: 4, atOnce: 1, group =>
        {
            foreach (var member in group)
                member.Answer.SetResult(member.Asked.Length > 0 ? member.Asked : throw new InvalidOperationException("nothing was asked"));
            return Task.CompletedTask;
        });
        await Assert.ThrowsAsync<InvalidOperationException>(() => groups.AskAsync("", TestContext.Current.CancellationToken));
        Assert.Equal("a", await groups.AskAsync("a", TestContext.Current.CancellationToken));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var was = Volatile.Read(ref most); value > was; was = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, was);
    }
}
