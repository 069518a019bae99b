using System.Buffers;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Live;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

public sealed class LiveStreamTests : IDisposable
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    /// <summary>Far more than the other tests let pass: they read in their own time.</summary>
    private static readonly TimeSpan WriteDeadline = TimeSpan.FromMinutes(60);

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CancellationTokenSource _stopping = new();
    private int _left;

    [Fact]
    public async Task The_first_event_comes_at_once_and_says_when_to_come_back()
    {
        await using var reader = Open("v1");
        var first = await reader.NextAsync();
        Assert.Equal((LiveEvent.Heartbeat, "opened", "v1"), (first.EventType, first.Data, first.EventId));
        Assert.InRange(first.ReconnectionInterval!.Value.TotalMilliseconds, 1_000, 3_000);
    }

    [Fact]
    public async Task A_slow_reader_gets_the_latest_version_only()
    {
        await using var reader = Open("v1");
        await reader.WroteAsync();
        for (var i = 2; i <= 100; i++)
            reader.Stream.Offer(LiveEvent.Changed($"v{i}"));
        await reader.NextAsync();

        var item = await reader.NextAsync();
        Assert.Equal((LiveEvent.UsageChanged, "v100", "v100"), (item.EventType, item.Data, item.EventId));
        _time.Advance(Heartbeat / 2);
        reader.Stream.Offer(LiveEvent.Changed("v101"));
        Assert.Equal("v101", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task Events_beyond_the_limit_wait_and_the_latest_takes_their_place()
    {
        await using var reader = Open("v1", eventsPerSecond: 2);
        await reader.NextAsync();
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        Assert.Equal("v2", (await reader.NextAsync()).Data);
        reader.Stream.Offer(LiveEvent.Changed("v3"));
        var next = reader.NextAsync();
        _time.Advance(TimeSpan.FromMilliseconds(400));
        reader.Stream.Offer(LiveEvent.Changed("v4"));
        Assert.False(next.IsCompleted);
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                return next.IsCompleted;
            },
            "its turn has come");
        Assert.Equal("v4", (await next).Data);
    }

    [Fact]
    public async Task A_reader_who_saves_data_gets_the_latest_version_when_it_is_time_and_is_not_told_that_nothing_changed()
    {
        var debounce = TimeSpan.FromMinutes(1);
        await using var reader = Open("v1", debounce: debounce);
        await reader.NextAsync();
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        Assert.Equal("v2", (await reader.NextAsync()).Data);
        reader.Stream.Offer(LiveEvent.Changed("v3"));
        reader.Stream.Offer(LiveEvent.Changed("v4"));
        var (offered, seen) = (_time.GetTimestamp(), new List<string>());
        do
        {
            await reader.BeatAsync(isFollowing: true);
            seen.Add((await reader.NextAsync()).Data);
        }
        while (seen[^1] == "held");
        Assert.Equal(("held", "v4"), (seen[0], seen[^1]));
        Assert.InRange(_time.GetElapsedTime(offered), debounce, 3 * debounce);
        await reader.BeatAsync(isFollowing: true);
        Assert.Equal("alive", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task What_was_held_back_never_comes_after_a_newer_version()
    {
        await using var reader = Open("v1", debounce: TimeSpan.FromSeconds(5));
        await reader.NextAsync();
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        Assert.Equal("v2", (await reader.NextAsync()).Data);
        reader.Stream.Offer(LiveEvent.Changed("v3"));
        _time.Advance(TimeSpan.FromSeconds(5));
        reader.Stream.Offer(LiveEvent.Changed("v4"));
        Assert.Equal("v4", (await reader.NextAsync()).Data);
        await reader.BeatAsync(isFollowing: true);
        Assert.Equal("alive", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task A_version_that_the_reader_shows_is_no_event()
    {
        await using var reader = Open("v1");
        await reader.NextAsync();
        reader.Stream.Offer(LiveEvent.Changed("v1"));
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        Assert.Equal("v2", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task A_heartbeat_never_pushes_out_a_version()
    {
        await using var reader = Open("v1");
        await reader.WroteAsync();
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        _time.Advance(Heartbeat);
        reader.Stream.Pulse(isFollowing: true);
        await reader.NextAsync();
        Assert.Equal("v2", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task A_heartbeat_says_whether_changes_are_heard_and_comes_no_sooner_than_due()
    {
        await using var reader = Open("v1");
        Assert.Equal("opened", (await reader.NextAsync()).Data);
        await reader.BeatAsync(isFollowing: true);
        Assert.Equal("alive", (await reader.NextAsync()).Data);
        reader.Stream.Pulse(isFollowing: true);
        await reader.BeatAsync(isFollowing: false);
        Assert.Equal("blind", (await reader.NextAsync()).Data);
    }

    [Fact]
    public async Task What_a_client_names_as_its_version_cannot_forge_an_event()
    {
        await using var reader = Open("x\ndata: forged");
        Assert.Null((await reader.NextAsync()).EventId);
    }

    [Fact]
    public async Task A_reader_that_does_not_take_an_event_in_time_is_cut_off()
    {
        await using var reader = Open("v1");
        await reader.WroteAsync();
        _time.Advance(WriteDeadline - TimeSpan.FromTicks(1));
        reader.Stream.Pulse(isFollowing: true);
        Assert.False(reader.IsAborted);
        _time.Advance(TimeSpan.FromTicks(1));
        reader.Stream.Pulse(isFollowing: true);
        Assert.True(reader.IsAborted);
    }

    [Fact]
    public async Task The_end_of_a_session_is_the_last_event_whatever_waits()
    {
        await using var reader = Open("v1");
        await reader.WroteAsync();
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        reader.Stream.EndSession();
        reader.Stream.Offer(LiveEvent.Changed("v3"));
        Assert.Equal("opened", (await reader.NextAsync()).Data);
        Assert.Equal("session-ended", (await reader.NextAsync()).EventType);
        await reader.Ended;
    }

    [Fact]
    public async Task A_quiet_stream_tells_of_the_end_of_its_session_at_once()
    {
        await using var reader = Open("v1");
        await reader.NextAsync();
        reader.Stream.EndSession();
        Assert.Equal("session-ended", (await reader.NextAsync()).EventType);
        await reader.Ended;
    }

    [Fact]
    public async Task A_reader_that_does_not_take_the_end_of_its_session_is_cut_off_within_seconds()
    {
        await using var reader = Open("v1");
        await reader.WroteAsync();
        reader.Stream.EndSession();
        _time.Advance(TimeSpan.FromSeconds(1.9));
        reader.Stream.Pulse(isFollowing: true);
        Assert.False(reader.IsAborted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        reader.Stream.Pulse(isFollowing: true);
        Assert.True(reader.IsAborted);
    }

    [Fact]
    public async Task An_old_stream_ends()
    {
        await using var reader = Open("v1");
        await reader.NextAsync();
        _time.Advance(TimeSpan.FromMinutes(11.9));
        reader.Stream.Pulse(isFollowing: true);
        Assert.False(reader.Ended.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(6.2));
        reader.Stream.Pulse(isFollowing: true);
        if (!reader.Ended.IsCompleted)
            await Task.WhenAny(reader.Ended, reader.NextAsync()); // a heartbeat may be on its way, from the first pulse
        await reader.Ended;
    }

    [Fact]
    public async Task A_reader_who_leaves_ends_the_stream()
    {
        await using var reader = Open("v1");
        await reader.NextAsync();
        reader.Leave();
        await reader.Ended;

        // Nothing is written any more: the connection may carry another answer by now.
        reader.Stream.Offer(LiveEvent.Changed("v2"));
        _time.Advance(Heartbeat);
        reader.Stream.Pulse(isFollowing: true);
        await reader.NothingAsync();
    }

    [Fact]
    public async Task The_sites_stop_ends_the_stream()
    {
        await using var reader = Open("v1");
        await reader.NextAsync();
        await _stopping.CancelAsync();
        await reader.Ended;
    }

    [Fact]
    public void Disposing_tells_once()
    {
        var stream = Create(null, 10);
        stream.Dispose();
        stream.Dispose();
        Assert.Equal(1, _left);
    }

    public void Dispose()
    {
        _services.Dispose();
        _stopping.Dispose();
    }

    private LiveStream Create(string? version, int eventsPerSecond, TimeSpan debounce = default) => new(
        version,
        new LiveOptions
        {
            Heartbeat = Heartbeat,
            MaxEventsPerSecond = eventsPerSecond,
            MaxStreamLifetime = TimeSpan.FromMinutes(15),
            WriteDeadline = WriteDeadline,
        },
        _time, new LiveMetrics(_services.GetRequiredService<IMeterFactory>(), new ListenerStatus(_time)), _ => _left++, debounce);

    private Reader Open(string? version, int eventsPerSecond = 10, TimeSpan debounce = default) =>
        new(Create(version, eventsPerSecond, debounce), _time, _stopping.Token);

    /// <summary>A browser that takes one event at a time: what it has not taken holds the next one back.</summary>
    private sealed class Reader : IHttpRequestLifetimeFeature, IAsyncDisposable
    {
        private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        private readonly CancellationTokenSource _left = new();
        private readonly FakeTimeProvider _time;

        internal Reader(LiveStream stream, FakeTimeProvider time, CancellationToken stopping)
        {
            Stream = stream;
            _time = time;
            var http = new DefaultHttpContext();
            http.Features.Set<IHttpRequestLifetimeFeature>(this);
            http.Response.Body = _pipe.Writer.AsStream();
            Ended = stream.CarryAsync(http, stopping);
        }

        internal LiveStream Stream { get; }

        /// <summary>Completes with the stream.</summary>
        internal Task Ended { get; }

        internal bool IsAborted { get; private set; }

        public CancellationToken RequestAborted
        {
            get => _left.Token;
            set => throw new NotSupportedException();
        }

        public void Abort()
        {
            IsAborted = true;
            _pipe.Reader.Complete();
            _left.Cancel();
        }

        internal void Leave() => _left.Cancel();

        /// <summary>Waits until an event is on its way.</summary>
        internal async Task WroteAsync()
        {
            var found = await _pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
            _pipe.Reader.AdvanceTo(found.Buffer.Start);
        }

        /// <summary>Sees that nothing was written.</summary>
        internal async Task NothingAsync()
        {
            // The pool does first what came first.
            var turn = new TaskCompletionSource();
            ThreadPool.UnsafeQueueUserWorkItem(_ => turn.SetResult(), null);
            await turn.Task;
            Assert.False(_pipe.Reader.TryRead(out _));
        }

        /// <summary>Lets heartbeats become due until one is on its way: the stream may still be busy with the event before.</summary>
        internal Task BeatAsync(bool isFollowing) => Eventually.TrueAsync(
            () =>
            {
                _time.Advance(Heartbeat);
                Stream.Pulse(isFollowing);
                if (!_pipe.Reader.TryRead(out var found))
                    return false;
                _pipe.Reader.AdvanceTo(found.Buffer.Start);
                return true;
            },
            "a heartbeat comes");

        internal async Task<SseItem<string>> NextAsync()
        {
            var found = await _pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
            using var bytes = new MemoryStream(found.Buffer.ToArray());
            _pipe.Reader.AdvanceTo(found.Buffer.End);
            return SseParser.Create(bytes).Enumerate().Single();
        }

        public async ValueTask DisposeAsync()
        {
            Abort();
            await Ended;
            Stream.Dispose();
            _left.Dispose();
        }
    }
}
