using System.Diagnostics;
using System.Globalization;
using System.Net;
using AngleSharp.Html.Parser;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>The primary is killed and its standby promoted, under a site that knows both.</summary>
public sealed class FailoverTests(ReplicatedPostgres servers) : IClassFixture<ReplicatedPostgres>
{
    [Fact]
    public async Task The_site_follows_and_does_not_believe_the_old_primary_when_it_comes_back()
    {
        await using var before = await servers.CreateDatabaseAsync();
        var ann = await before.AddUserAsync("Ann");
        await before.AddLogAsync(ann);
        await using var site = await Site.StartAsync(before, servers.SettingsOf(before, primaryFirst: true));
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        Assert.Equal(1, await RequestsAsync(site, "/usage?sort=cost"));

        await using var database = servers.OfStandby(before);
        await Eventually.TrueAsync(async () => await database.ScalarAsync<long>("SELECT coalesce(sum(requests), 0)::bigint FROM usage_totals") == 1, "the standby has all");
        await servers.KillPrimaryAsync();
        var start = Stopwatch.GetTimestamp();
        await servers.PromoteAsync();
        await database.AddLogAsync(ann);
        await RightAsync(site, 2);
        await stream.NextAsync();
        await Eventually.TrueAsync(async () => await StatusAsync(site, "/health/ready") == HttpStatusCode.OK, "the site is ready: it listens and folds");
        var took = Stopwatch.GetElapsedTime(start);
        TestContext.Current.SendDiagnosticMessage($"right again {took.TotalSeconds:0.0} s after the primary was killed, promotion included");
        Assert.InRange(took.TotalSeconds, 0, 20);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(site, "/usage", await site.SignInAsync(AccountRole.Analyst)));
        await Totals.AssertExactAsync(database);

        // A second one that accepts writes, with what nobody wants any more.
        await servers.StartOldPrimaryAsync();
        before.DataSource.Clear();
        var accounts = await before.ScalarAsync<long>("SELECT count(*) FROM accounts");
        await before.ExecuteAsync("UPDATE users SET name = 'Old Ann'; UPDATE usage_totals SET requests = 99");
        await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %' AND datname = current_database()");
        await database.AddLogAsync(ann);
        await RightAsync(site, 3);
        await stream.NextAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(3, await RequestsAsync(site, "/usage?sort=tokens"));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(site, "/usage", await site.SignInAsync(AccountRole.Analyst)));
        }

        Assert.Equal(accounts, await before.ScalarAsync<long>("SELECT count(*) FROM accounts"));

        // Nor does one that starts now, and has seen nothing.
        await using var later = await Site.StartAsync(database, servers.SettingsOf(database, primaryFirst: true));
        Assert.Equal(3, await RequestsAsync(later, "/usage"));
        await Eventually.TrueAsync(
            async () => await before.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'UsageLogsSite %' AND query NOT LIKE '%pg_is_in_recovery%'") == 0,
            "nobody asks the old primary for more than whether it is one");
    }

    private static Task RightAsync(Site site, long expected) =>
        Eventually.TrueAsync(async () => await RequestsAsync(site, "/usage?sort=cost") == expected, $"the page shows {expected}");

    /// <summary>What the page shows; null while the database does not answer.</summary>
    private static async Task<long?> RequestsAsync(Site site, string address)
    {
        using var response = await site.GetAsync(address, site.Cookie);
        var page = new HtmlParser().ParseDocument(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return page.QuerySelector("#total-requests data")?.GetAttribute("value") is { } value ? long.Parse(value, CultureInfo.InvariantCulture) : null;
    }

    private static async Task<HttpStatusCode> StatusAsync(Site site, string address, string? cookie = null)
    {
        using var response = await site.GetAsync(address, cookie ?? site.Cookie);
        return response.StatusCode;
    }
}
