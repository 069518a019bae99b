using System.Diagnostics.Metrics;
using System.Net.ServerSentEvents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Live;

namespace UsageLogsSite.Tests.Live;

public sealed class LiveStreamTests : IDisposable
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private int _left;
    private bool _isFollowing = true;

    [Fact]
    public async Task The_first_event_comes_at_once_and_says_when_to_come_back()
    {
        using var stream = Open("v1");
        await using var events = Read(stream);
        var first = await NextAsync(events);
        Assert.Equal(LiveStream.Heartbeat, first.EventType);
        Assert.Equal("v1", first.EventId);
        Assert.InRange(first.ReconnectionInterval!.Value.TotalMilliseconds, 1_000, 3_000);
    }

    [Fact]
    public async Task A_slow_reader_gets_the_latest_version_only()
    {
        using var stream = Open("v1");
        await using var events = Read(stream);
        await NextAsync(events);
        for (var i = 2; i <= 100; i++)
            stream.Offer($"v{i}");

        var item = await NextAsync(events);
        Assert.Equal((LiveStream.UsageChanged, "v100", "v100"), (item.EventType, item.Data, item.EventId));
        var next = NextAsync(events);
        Assert.False(next.IsCompleted);
        stream.Offer("v101");
        _time.Advance(Heartbeat / 2);
        Assert.Equal("v101", (await next).Data);
    }

    [Fact]
    public async Task Events_beyond_the_limit_wait_and_the_latest_takes_their_place()
    {
        using var stream = Open("v1", eventsPerSecond: 2);
        await using var events = Read(stream);
        await NextAsync(events);
        stream.Offer("v2");
        Assert.Equal("v2", (await NextAsync(events)).Data);
        stream.Offer("v3");
        var next = NextAsync(events);
        _time.Advance(TimeSpan.FromMilliseconds(400));
        Assert.False(next.IsCompleted);
        stream.Offer("v4");
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal("v4", (await next).Data);
    }

    [Fact]
    public async Task A_version_that_the_reader_shows_is_no_event()
    {
        using var stream = Open("v1");
        await using var events = Read(stream);
        await NextAsync(events);
        stream.Offer("v1");
        var next = NextAsync(events);
        Assert.False(next.IsCompleted);
        stream.Offer("v2");
        Assert.Equal("v2", (await next).Data);
    }

    [Fact]
    public async Task A_heartbeat_never_pushes_out_a_version()
    {
        using var stream = Open("v1");
        await using var events = Read(stream);
        await NextAsync(events);
        stream.Offer("v2");
        _time.Advance(Heartbeat);
        _time.Advance(Heartbeat);
        Assert.Equal("v2", (await NextAsync(events)).Data);

        var next = NextAsync(events);
        _time.Advance(Heartbeat);
        Assert.Equal(LiveStream.Heartbeat, (await next).EventType);
    }

    [Fact]
    public async Task A_heartbeat_says_whether_changes_are_heard()
    {
        using var stream = Open("v1");
        await using var events = Read(stream);
        Assert.Equal("opened", (await NextAsync(events)).Data);
        _time.Advance(Heartbeat);
        Assert.Equal("alive", (await NextAsync(events)).Data);
        _isFollowing = false;
        _time.Advance(Heartbeat);
        Assert.Equal("blind", (await NextAsync(events)).Data);
    }

    [Fact]
    public async Task What_a_client_names_as_its_version_cannot_forge_an_event()
    {
        using var stream = Open("x\ndata: forged");
        await using var events = Read(stream);
        Assert.Null((await NextAsync(events)).EventId);
    }

    [Fact]
    public async Task Disposing_ends_the_stream_and_tells_once()
    {
        var stream = Open(null);
        await using var events = Read(stream);
        await NextAsync(events);
        stream.Dispose();
        stream.Dispose();
        Assert.False(await events.MoveNextAsync());
        Assert.Equal(1, _left);
    }

    public void Dispose() => _services.Dispose();

    private LiveStream Open(string? version, int eventsPerSecond = 10) => new(
        version, new LiveOptions { Heartbeat = Heartbeat, MaxEventsPerSecond = eventsPerSecond }, _time,
        new LiveMetrics(_services.GetRequiredService<IMeterFactory>()), () => _isFollowing, _ => _left++);

    private static IAsyncEnumerator<SseItem<string>> Read(LiveStream stream) =>
        stream.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

    private static async Task<SseItem<string>> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        Assert.True(await events.MoveNextAsync());
        return events.Current;
    }
}
