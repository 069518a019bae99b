using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>Who saves data gets short lists by default, and addresses mean the same to everybody.</summary>
public sealed class DataSavingTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly (string, string) Saves = ("Save-Data", "on");

    [Fact]
    public async Task Addresses_lead_to_one_that_says_the_size()
    {
        (string Address, string? To)[] cases =
        [
            ("/usage", "/usage?size=10"),
            ("/usage?type=internal&sort=cost", "/usage?type=internal&sort=cost&size=10"),
            ("/usage?size=7", "/usage?size=10"),
            ("/usage?page=2", "/usage?page=2&size=25"), // the rows that the address means
            ("/usage?size=25&type=all", "/usage?size=25"), // chosen in the form, without a script
            ("/usage?size=50", null),
            ("/usage?size=25", null),
            ("/usage?size=10", null),
        ];
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (address, to) = @case;
            using var visit = new Visit(site.Address, site.Cookie);
            using var first = await visit.GetAsync(address, Saves);
            Assert.Equal((to is null ? HttpStatusCode.OK : HttpStatusCode.Redirect, to), (first.StatusCode, first.Headers.Location?.ToString()));
            Assert.Contains("Save-Data", first.Headers.Vary);
            if (to is null)
                return;
            using var second = await visit.GetAsync(to, Saves);
            Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        });
    }

    [Fact]
    public async Task Links_of_a_page_keep_the_size_that_was_chosen()
    {
        await Database.AddUsersAsync(60);
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        using var page = await visit.GetAsync("/usage?size=25", Saves);
        var document = await Visit.ReadAsync(page);
        Assert.Equal("/usage?page=2&size=25", document.QuerySelector("#next")!.GetAttribute("href"));
        Assert.Equal("/usage/table?size=25", document.QuerySelector("#refresh")!.GetAttribute("hx-get"));
        using var fragment = await visit.GetAsync("/usage/table?page=2&size=25", Saves);
        Assert.Equal("/usage?size=25", (await Visit.ReadAsync(fragment)).QuerySelector("#previous")!.GetAttribute("href"));

        // To everybody else the same addresses mean the same rows, written their way; nothing of it is remembered for them.
        using var plain = await visit.GetAsync("/usage?size=25");
        Assert.Equal("/usage", plain.Headers.Location?.ToString());
        using var table = await visit.GetAsync("/usage/table?page=2&size=25");
        Assert.Equal("/usage", (await Visit.ReadAsync(table)).QuerySelector("#previous")!.GetAttribute("href"));
    }

    [Fact]
    public async Task The_switch_counts_more_than_what_the_browser_says_and_needs_no_script()
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        using var on = await visit.SubmitAsync("/account", "#data button");
        Assert.Equal(HttpStatusCode.Redirect, on.StatusCode);
        using var saving = await visit.GetAsync("/usage");
        Assert.Equal("/usage?size=10", saving.Headers.Location?.ToString());

        using var off = await visit.SubmitAsync("/account", "#data button");
        using var not = await visit.GetAsync("/usage", Saves);
        Assert.Equal(HttpStatusCode.OK, not.StatusCode);
    }

    [Fact]
    public async Task Pages_of_one_user_too()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var page = await owner.GetAsync($"/users/{ann}?period=7d", Saves);
        Assert.Equal($"/users/{ann}?period=7d&size=10", page.Headers.Location?.ToString());
        using var member = new Visit(site.Address, await site.SignInAsync(AccountRole.Member, ann));
        using var own = await member.GetAsync("/usage", Saves);
        Assert.Equal("/usage?size=10", own.Headers.Location?.ToString());
        using var again = await member.GetAsync("/usage?size=10", Saves);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task A_stream_for_who_saves_data_tells_of_changes_no_sooner_than_after_five_seconds()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var saver = await SseReader.OpenAsync(site, cookie: "usage-save-data=on");
        await using var other = await SseReader.OpenAsync(site);
        await other.NextAsync();
        await saver.NextAsync(); // opened without a version: told of the current one
        var told = TimeProvider.System.GetTimestamp();
        await Database.AddLogAsync(ann);
        var version = (await other.NextAsync()).Data;
        Assert.InRange(TimeProvider.System.GetElapsedTime(told).TotalSeconds, 0, 4.5);
        Assert.Equal(version, (await saver.NextAsync()).Data);
        Assert.InRange(TimeProvider.System.GetElapsedTime(told).TotalSeconds, 4.5, 15);
    }
}
