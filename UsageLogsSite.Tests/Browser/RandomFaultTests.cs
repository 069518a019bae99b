using Npgsql;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Faults of all kinds, in any order, on both sides of the site, while an application writes.</summary>
public sealed class RandomFaultTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private readonly Random _random = new(7);

    [Fact]
    public async Task Afterwards_the_open_page_is_what_the_database_says()
    {
        var faults = Run.IsLong ? 300 : 15;
        var ann = await Database.AddUserAsync("Ann");
        var settings = new NpgsqlConnectionStringBuilder(Database.ConnectionString);
        await using var toDatabase = new FaultProxy(settings.Host!, settings.Port);
        settings.Port = toDatabase.Port;
        var siteSettings = new Dictionary<string, string> { ["ConnectionStrings:UsageLogs"] = settings.ConnectionString, ["Live:Heartbeat"] = "00:00:02" };
        var site = await Site.StartAsync(Database, siteSettings);
        await using var toSite = new FaultProxy(site.Address.Host, site.Address.Port);
        await using var window = await chromium.OpenAsync(site, options: new() { BaseURL = toSite.Address.ToString() });
        await window.LiveAsync();
        var written = 0;
        for (var i = 0; i < faults; i++)
        {
            var proxy = _random.Next(2) == 0 ? toDatabase : toSite;
            switch (_random.Next(6))
            {
                case 0:
                    await site.DisposeAsync();
                    site = await Site.StartAsync(Database, siteSettings);
                    toSite.LeadTo(site.Address.Host, site.Address.Port);
                    break;
                case 1:
                    await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %' AND datname = current_database()");
                    break;
                default:
                    proxy.Set(new[] { Fault.Cut, Fault.BlackHole, Fault.Delay, Fault.Drip }[_random.Next(4)]);
                    break;
            }

            for (var n = _random.Next(5); n > 0; n--, written++)
                await Database.AddLogAsync(ann);
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(100, 1_500)), Cancellation);
            proxy.Set(Fault.None);
        }

        await Database.AddLogAsync(ann);
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync($"{written + 1:N0}", new() { Timeout = 30_000 });
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync(new() { Timeout = 20_000 });
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        await window.LiveAsync();
        await Totals.AssertExactAsync(Database);
        await site.DisposeAsync();
    }
}
