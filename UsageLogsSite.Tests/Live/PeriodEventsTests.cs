using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>A stream of a period: changes inside it, and the end of its day.</summary>
public sealed class PeriodEventsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_change_inside_the_period_is_an_event_and_one_outside_is_none()
    {
        var time = new ShiftedTime(new DateTime(2026, 11, 23, 12, 10, 0, DateTimeKind.Utc));
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: time.GetUtcNow().UtcDateTime);
        await using var site = await Site.StartAsync(Database, services: time.Use);
        await using var stream = await SseReader.OpenAsync(site, "?period=7d&q=ann");
        await stream.NextAsync();
        var refreshed = site.Logs.Count(1001);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) VALUES ($1, 'free', $2)", ann, time.GetUtcNow().UtcDateTime.AddDays(-8));
        await Eventually.TrueAsync(() => site.Logs.Count(1001) > refreshed, "the set was asked again");
        Assert.Equal(0, stream.Drain());

        await Database.AddLogAsync(ann, at: time.GetUtcNow().UtcDateTime.AddDays(-5));
        await stream.NextAsync();
        var page = await site.GetPageAsync("/usage?period=7d&q=ann");
        Assert.Equal("2", page.QuerySelector("#total-requests data")!.GetAttribute("value"));
    }

    [Theory]
    [InlineData("UTC", "2026-11-24T00:00:00Z", "24 Nov 2026")]
    [InlineData("Asia/Kolkata", "2026-11-23T18:30:00Z", "24 Nov 2026")]
    public async Task At_midnight_an_open_page_turns_over_without_any_change(string zone, string midnight, string shown)
    {
        var end = DateTimeOffset.Parse(midnight, System.Globalization.CultureInfo.InvariantCulture).UtcDateTime;
        var time = new ShiftedTime(end.AddHours(-2));
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: end.AddHours(-3));
        await using var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = zone }, time.Use);
        time.SetNow(end.AddSeconds(-3));
        await using var stream = await SseReader.OpenAsync(site, "?period=today&q=ann");
        await stream.NextAsync();
        Assert.NotNull((await site.GetPageAsync("/usage?period=today&q=ann")).QuerySelector($"tr[data-user-id='{ann}']"));
        await stream.NextAsync();
        var page = await site.GetPageAsync("/usage?period=today&q=ann");
        Assert.Equal($"{shown} in {zone}", page.QuerySelector("#dates")!.TextContent);
        Assert.Null(page.QuerySelector($"tr[data-user-id='{ann}']"));
    }

    /// <summary>A clock that runs as the real one does, at another time.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _shift;

        internal ShiftedTime(DateTime now) => SetNow(now);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _shift));

        internal void SetNow(DateTime now) => Interlocked.Exchange(ref _shift, (now - base.GetUtcNow().UtcDateTime).Ticks);

        internal void Use(IServiceCollection services) => services.AddSingleton<TimeProvider>(this);
    }
}
