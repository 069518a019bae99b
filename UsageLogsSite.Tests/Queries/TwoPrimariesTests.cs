using System.Diagnostics;
using System.Net;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>The standby is promoted under a site that knows both, and nobody has stopped the primary.</summary>
public sealed class TwoPrimariesTests(ReplicatedPostgres servers) : IClassFixture<ReplicatedPostgres>
{
    private const string Key = "ConnectionStrings:UsageLogs";

    [Fact]
    public async Task Fold_and_listener_go_over_to_the_promoted_one_whether_anybody_reads_or_not()
    {
        await using var before = await servers.CreateDatabaseAsync();
        var ann = await before.AddUserAsync("Ann");
        await before.AddLogAsync(ann);
        var settings = servers.SettingsOf(before, primaryFirst: true);
        await using var site = await Site.StartAsync(before, settings);
        await using var unread = await Site.StartAsync(before, new() { [Key] = $"{settings[Key]};Target Session Attributes=primary" });
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        await using var database = servers.OfStandby(before);
        await Eventually.TrueAsync(
            async () => await database.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_totals) + (SELECT count(*) FROM sessions)")
                == await before.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_totals) + (SELECT count(*) FROM sessions)"),
            "the standby has all");

        await servers.PromoteAsync();
        var start = Stopwatch.GetTimestamp();
        await database.AddLogAsync(ann);
        await Eventually.TrueAsync(
            async () =>
            {
                using var page = await site.GetAsync("/usage?sort=cost", site.Cookie);
                return page.IsSuccessStatusCode && await before.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('UsageLogsSite rollup', 'UsageLogsSite listener') AND query NOT LIKE '%pg_is_in_recovery%'") == 0;
            },
            "nobody folds or listens on the old primary");
        await stream.NextAsync();
        await Eventually.TrueAsync(async () => !await database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_deltas)"), "what is written to the new one is folded");
        foreach (var one in new[] { site, unread })
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var ready = await one.GetAsync("/health/ready", one.Cookie);
                    return ready.StatusCode == HttpStatusCode.OK;
                },
                "the site is ready");
        }

        var took = Stopwatch.GetElapsedTime(start);
        TestContext.Current.SendDiagnosticMessage($"all on the promoted server after {took.TotalSeconds:0.0} s");
        Assert.InRange(took.TotalSeconds, 0, 20);
        await Totals.AssertExactAsync(database);
        Assert.InRange(site.Logs.Count(1006, "another server was promoted"), 1, int.MaxValue);
    }
}
