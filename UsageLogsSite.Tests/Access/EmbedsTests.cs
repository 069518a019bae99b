using System.Net;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Which widget a token opens, remembered; and what is held open by it.</summary>
public sealed class EmbedsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_refresh_of_a_widget_that_is_known_asks_the_database_nothing()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        var (_, path) = await site.AddWidgetAsync();
        await using var stream = await SseReader.OpenAsync(site, path: path + "/events");
        var version = (await stream.NextAsync()).Data;
        using var nobody = new Visit(site.Address);
        using (var first = await nobody.GetAsync(path + "/table"))
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);

        var before = site.Queries;
        for (var i = 0; i < 20; i++)
        {
            using var whole = await nobody.GetAsync(path + "/table");
            Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        }

        Assert.Equal(0, site.Queries - before);

        // Who shows what is remembered here may have been told elsewhere of something newer: the content is read anew, and nothing beside it.
        using (var same = await nobody.GetAsync(path + "/table", ("If-None-Match", $"\"{version}\"")))
            Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        Assert.Equal(1, site.Queries - before);

        // What a token does not open is asked each time: nothing that anybody makes up is remembered.
        for (var i = 0; i < 3; i++)
        {
            using var unknown = await nobody.GetAsync("/embed/" + new string('a', 43));
            Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        }

        Assert.Equal(4, site.Queries - before);
    }

    [Fact]
    public async Task What_is_remembered_is_forgotten_when_it_is_over_and_while_nothing_is_heard()
    {
        await using var site = await Site.StartAsync(Database);
        var embeds = site.Services.GetRequiredService<Embeds>();
        var (id, path) = await site.AddWidgetAsync();
        var (_, brief) = await site.AddWidgetAsync(expires: DateTime.UtcNow.AddSeconds(2));
        var (token, briefToken) = (path["/embed/".Length..], brief["/embed/".Length..]);
        var first = await embeds.FindAsync(token, Cancellation);
        Assert.Same(first, await embeds.FindAsync(token, Cancellation));
        Assert.True(embeds.Remembers(first!));
        Assert.NotNull(await embeds.FindAsync(briefToken, Cancellation));
        await Eventually.TrueAsync(async () => await embeds.FindAsync(briefToken, Cancellation) is null, "it has expired, though nobody tells");

        embeds.Lose();
        Assert.NotSame(await embeds.FindAsync(token, Cancellation), await embeds.FindAsync(token, Cancellation));
        embeds.Trust();
        Assert.Same(await embeds.FindAsync(token, Cancellation), await embeds.FindAsync(token, Cancellation));

        await Database.ExecuteAsync("UPDATE embeds SET revoked_at = now() WHERE id = $1", id);
        await site.HeardAsync();
        Assert.Null(await embeds.FindAsync(token, Cancellation));
    }

    [Fact]
    public async Task A_grant_that_ends_before_its_widget_ends_what_is_held_and_others_stay()
    {
        await using var site = await Site.StartAsync(Database);
        var (embeds, held) = (site.Services.GetRequiredService<Embeds>(), site.Services.GetRequiredService<HeldEmbeds>());
        var (id, path) = await site.AddWidgetAsync(expires: DateTime.UtcNow.AddHours(1));
        var embed = (await embeds.FindAsync(path["/embed/".Length..], Cancellation))!;
        var (briefs, longs, forevers) = (0, 0, 0);
        using var brief = held.Hold(embed, DateTime.UtcNow.AddSeconds(1), () => Interlocked.Increment(ref briefs));
        using var lasting = held.Hold(embed, DateTime.UtcNow.AddHours(2), () => Interlocked.Increment(ref longs));
        using var plain = held.Hold(embed, () => Interlocked.Increment(ref forevers));
        await Eventually.TrueAsync(() => Volatile.Read(ref briefs) == 1, "the grant is over");
        await Database.ExecuteAsync("SELECT pg_notify('usage_access_changed', $1)", id.ToString()); // looked up: it goes on
        await site.HeardAsync();
        Assert.Equal((1, 0, 0), (briefs, Volatile.Read(ref longs), Volatile.Read(ref forevers)));
        await Database.ExecuteAsync("UPDATE embeds SET revoked_at = now() WHERE id = $1", id);
        await Eventually.TrueAsync(() => Volatile.Read(ref longs) == 1 && Volatile.Read(ref forevers) == 1, "the widget is over");
        Assert.Equal((1, 0), (briefs, held.Count));
    }
}
