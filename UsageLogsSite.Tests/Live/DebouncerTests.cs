using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Live;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

public sealed class DebouncerTests
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(500);

    private readonly TimeWithTimers _time = new();
    private readonly Debouncer _debouncer;
    private Task _due = Task.CompletedTask;

    public DebouncerTests() => _debouncer = new Debouncer(_time, Settle, Debounce);

    [Fact]
    public async Task A_lone_change_is_due_after_settling()
    {
        var due = WaitAsync();
        _debouncer.Signal();
        await AdvanceAsync(49);
        Assert.False(due.IsCompleted);
        await AdvanceAsync(1);
        await due;
        Assert.True(_debouncer.IsPending);
        _debouncer.Acknowledge();
        Assert.False(_debouncer.IsPending);
    }

    [Fact]
    public async Task A_burst_is_one_event()
    {
        var first = WaitAsync();
        for (var i = 0; i < 20; i++)
        {
            _debouncer.Signal();
            await AdvanceAsync(1);
        }

        await AdvanceAsync(30);
        await first;
        _debouncer.Acknowledge();
        var second = WaitAsync();
        await AdvanceAsync(10_000);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Steady_changes_never_starve_and_come_at_the_debounce()
    {
        var events = new List<double>();
        var due = WaitAsync();
        for (var ms = 0; ms < 5_000; ms += 10)
        {
            _debouncer.Signal();
            await AdvanceAsync(10);
            if (!due.IsCompleted)
                continue;
            events.Add(ms + 10);
            _debouncer.Acknowledge();
            due = WaitAsync();
        }

        Assert.Equal(10, events.Count);
        Assert.Equal(50, events[0]);
        Assert.All(events.Zip(events.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 490, 510));
    }

    [Fact]
    public async Task A_change_soon_after_an_event_waits_for_the_debounce_not_longer()
    {
        var first = WaitAsync();
        _debouncer.Signal();
        await AdvanceAsync(50);
        await first;
        _debouncer.Acknowledge();

        var second = WaitAsync();
        await AdvanceAsync(100);
        _debouncer.Signal();
        await AdvanceAsync(399);
        Assert.False(second.IsCompleted);
        await AdvanceAsync(1);
        await second;
    }

    [Fact]
    public async Task An_acknowledged_change_is_not_due_any_more()
    {
        var due = WaitAsync();
        _debouncer.Signal();
        _debouncer.Acknowledge();
        await AdvanceAsync(10_000);
        Assert.False(due.IsCompleted);

        _debouncer.Signal();
        await AdvanceAsync(50);
        await due;
    }

    private Task WaitAsync() => _due = _debouncer.WaitAsync(TestContext.Current.CancellationToken);

    // Continuations run on the pool: before time goes on, who waits for it must have begun to.
    private async Task AdvanceAsync(int milliseconds)
    {
        await Eventually.TrueAsync(() => !_debouncer.IsPending || _due.IsCompleted || _time.Timers > 0, "the pending change is waited for");
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        for (var i = 0; i < 3; i++)
            await Task.Run(static () => Thread.Sleep(1), TestContext.Current.CancellationToken);
    }

    /// <summary>Knows how many timers there are.</summary>
    private sealed class TimeWithTimers : FakeTimeProvider
    {
        private int _timers;

        internal int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new CountedTimer(base.CreateTimer(callback, state, dueTime, period), this);
            Interlocked.Increment(ref _timers);
            return timer;
        }

        private sealed class CountedTimer(ITimer timer, TimeWithTimers time) : ITimer
        {
            private int _isDisposed;

            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

            public void Dispose()
            {
                timer.Dispose();
                if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                    Interlocked.Decrement(ref time._timers);
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
