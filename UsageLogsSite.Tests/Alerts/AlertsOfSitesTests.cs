using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>Alerts of whole sites: two on one database, one after another, and who hears of them.</summary>
public sealed class AlertsOfSitesTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Checked = 5001;

    private static readonly Dictionary<string, string> Quick = new() { ["Alerts:Interval"] = "00:00:00.100", ["Alerts:AllowPrivateAddresses"] = "true" };

    [Fact]
    public async Task Two_sites_on_one_database_tell_of_an_alert_once_and_the_one_that_is_left_goes_on()
    {
        await using var receiver = await Receiver.StartAsync();
        var ann = await Database.AddUserAsync("Ann");
        await using var first = await Site.StartAsync(Database, Quick);
        await using var second = await Site.StartAsync(Database, Quick);
        var secret = await AddRuleAsync(second, "failures", "1", receiver.Url); // made on the one that does not fold
        await FailAsync(ann);
        await Eventually.TrueAsync(() => receiver.Messages.Count == 1, "the alert has arrived");
        Assert.True(receiver.Messages[0].IsSignedWith(secret));
        await FailAsync(ann);
        await first.DisposeAsync();
        await Eventually.TrueAsync(() => second.Logs.Count(Checked) > 0, "the other checks");
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await Eventually.TrueAsync(ClearedAsync, "the alert has cleared");
        await FailAsync(ann);
        await Eventually.TrueAsync(() => receiver.Messages.Count == 2, "it has fired again");
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM alerts"));
    }

    [Fact]
    public async Task A_restart_neither_repeats_an_alert_nor_loses_what_waits_to_be_posted()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, count) =>
        {
            http.Response.StatusCode = count == 1 ? 500 : 200;
            return Task.CompletedTask;
        };
        var ann = await Database.AddUserAsync("Ann");
        await using (var site = await Site.StartAsync(Database, Quick))
        {
            await AddRuleAsync(site, "failures", "1", receiver.Url);
            await FailAsync(ann);
            await Eventually.TrueAsync(
                async () => await Database.ScalarAsync<long>("SELECT count(*) FROM alert_deliveries WHERE last_status = 500") == 1, "the first attempt has failed");
        }

        await FailAsync(ann);
        await using var again = await Site.StartAsync(Database, Quick);
        await Eventually.TrueAsync(() => again.Logs.Count(Checked, "true for 1") > 0, "the next site has checked");
        await Eventually.TrueAsync(() => receiver.Messages.Count == 2, "the next site has posted it");
        Assert.Single(receiver.Messages.Select(m => (m.Id, m.Body)).Distinct());
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM alerts"));
    }

    [Fact]
    public async Task Without_rules_changes_are_not_checked_and_a_new_rule_is_at_once()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, Quick);
        await FailAsync(ann);
        await site.FoldedAsync();
        await site.QuietAsync();
        Assert.Equal(0, site.Logs.Count(Checked));

        await AddRuleAsync(site, "failures", "5");
        await Eventually.TrueAsync(() => site.Logs.Count(Checked) > 0, "the new rule is checked");
        await FailAsync(ann);
        await Eventually.TrueAsync(() => site.Logs.Count(Checked) > 1, "the change is checked");
    }

    [Fact]
    public async Task A_steady_stream_of_changes_is_checked_no_more_often_than_the_interval()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Alerts:Interval"] = "00:10:00" });
        await AddRuleAsync(site, "failures", "3");
        for (var i = 0; i < 5; i++)
        {
            await FailAsync(ann);
            await site.FoldedAsync();
            await site.QuietAsync();
        }

        Assert.InRange(site.Logs.Count(Checked), 0, 1);
    }

    [Fact]
    public async Task Owners_and_analysts_hear_of_an_alert_members_and_widgets_do_not()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, Quick);
        await AddRuleAsync(site, "failures", "1");
        var (_, widget) = await site.AddWidgetAsync();
        var analyst = await site.SignInAsync(AccountRole.Analyst);
        await using var owners = await SseReader.OpenAsync(site);
        await using var page = await SseReader.OpenAsync(site, cookie: analyst, path: $"/users/{ann}/events");
        await using var member = await SseReader.OpenAsync(site, cookie: await site.SignInAsync(AccountRole.Member, ann));
        await using var embedded = await SseReader.OpenAsync(site, path: $"{widget}/events");
        foreach (var stream in new[] { member, embedded })
            await stream.NextAsync();
        await FailAsync(ann);
        Assert.Equal("fired", (await owners.NextAsync("usage-alert")).Data);
        Assert.Equal("fired", (await page.NextAsync("usage-alert")).Data);
        foreach (var stream in new[] { member, embedded })
        {
            // What is told of the same change comes later than the alert would.
            await Database.AddLogAsync(ann);
            await stream.NextAsync();
            Assert.Equal(0, stream.Drain("usage-alert"));
        }

        using (var told = await site.GetAsync("/alerts/new", analyst))
        {
            var text = await told.Content.ReadAsStringAsync(Cancellation);
            Assert.Contains("\"text\":\"1 failed in 60 minutes\",\"href\":null", text, StringComparison.Ordinal);
            Assert.True(told.Headers.CacheControl!.NoStore);
        }

        using var refused = await site.GetAsync("/alerts/new", await site.SignInAsync(AccountRole.Member, ann));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private static async Task<string> AddRuleAsync(Site site, string kind, string threshold, string webhook = "")
    {
        using var owner = new Visit(site.Address, site.Cookie);
        using var answer = await owner.SubmitAsync("/admin/alerts", "#add", ("name", "A rule"), ("kind", kind), ("threshold", threshold), ("webhook", webhook));
        var page = await Visit.ReadAsync(answer);
        Assert.True(page.QuerySelector("#done") is not null, page.QuerySelector("#refused")?.TextContent);
        return page.QuerySelector("#new-secret")?.TextContent ?? "";
    }

    private Task FailAsync(Guid user) => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'm', 'failed')", user);

    private async Task<bool> ClearedAsync() => await Database.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE cleared_at IS NOT NULL") == 1;
}
