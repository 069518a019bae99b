using System.Net;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Somebody can sign in: by settings, by a link, or the log says how.</summary>
public sealed class FirstRunTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private const string Ann = "ann@example.test";

    [Fact]
    public async Task The_owner_of_the_settings_is_made_once_and_reset_by_another_password()
    {
        string cookie;
        await using (var site = await StartAsync("correct horse battery"))
        {
            using var visit = new Visit(site.Address);
            await visit.SignInAsync(Ann, "correct horse battery");
            cookie = visit.Cookie.Split("; ").Single(c => c.StartsWith("usage-session", StringComparison.Ordinal));
        }

        await using (var same = await StartAsync("correct horse battery"))
        {
            using var still = new Visit(same.Address, cookie);
            await still.PageAsync("/usage");
        }

        await Database.ExecuteAsync("UPDATE accounts SET is_disabled = true, role = 'member', lockout_end = now() + interval '1 hour' WHERE email = $1", Ann);
        await using var reset = await StartAsync("another passphrase");
        using var gone = new Visit(reset.Address, cookie);
        using (var answer = await gone.GetAsync("/usage"))
            Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        await gone.SignInAsync(Ann, "another passphrase");
        await gone.PageAsync("/admin/accounts");
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts WHERE email = $1", Ann));
    }

    [Fact]
    public async Task Two_instances_that_start_at_once_make_one_owner()
    {
        var sites = await Task.WhenAll(StartAsync("correct horse battery"), StartAsync("correct horse battery"));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts WHERE email = $1", Ann));
        foreach (var site in sites)
            await site.DisposeAsync();
    }

    [Fact]
    public async Task Without_anybody_the_log_says_what_to_do()
    {
        await using (var site = await Site.StartAsync(Database))
            Assert.Equal(1, site.Logs.Count(4002, "accounts add"));
        await using var second = await Site.StartAsync(Database);
        Assert.Equal(0, second.Logs.Count(4002));
    }

    [Fact]
    public async Task The_demo_prints_a_link_that_signs_in_with_one_click()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-link-{Guid.NewGuid():N}");
        try
        {
            await using var demo = await published.StartDemoAsync(new() { ["Postgres:DataDirectory"] = directory, ["Demo:Traffic"] = "false" });
            using var visit = new Visit(demo.Link);
            using (var click = await visit.GetAsync(demo.Link.AbsolutePath))
                Assert.Equal("/usage", click.Headers.Location?.ToString());
            Assert.Equal("owner@demo.example", (await visit.PageAsync("/usage")).QuerySelector("#who")!.TextContent);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("Admin:Password", "Admin:Email is missing; give Admin:Email and Admin:Password, or neither", "correct horse battery")]
    [InlineData("Admin:Email", "Admin:Email is 'nonsense'; allowed is an e-mail address", "nonsense")]
    [InlineData("Admin:Email", "Admin:Password is missing", "ann@example.test")]
    [InlineData("Admin:Password", "Admin:Password has 6 characters; allowed are 12 to 200", "s3cr3t")]
    [InlineData("Sessions:Lifetime", "Sessions:Lifetime is 00:00:01; allowed is 00:00:02 to 365.00:00:00", "00:00:01")]
    [InlineData("Limits:SignInsPerMinute", "Limits:SignInsPerMinute is 0; allowed is 1 to 100000", "0")]
    public async Task Settings_that_are_not_allowed_are_named_and_no_password_is_shown(string key, string message, string value)
    {
        var settings = new Dictionary<string, string> { ["ConnectionStrings:UsageLogs"] = "Host=127.0.0.1;Port=9;Username=nobody;Timeout=1", [key] = value };
        var (exitCode, output, error) = await published.RunAsync(settings);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        if (key == "Admin:Password")
            Assert.DoesNotContain(value, output + error, StringComparison.Ordinal);
    }

    private Task<Site> StartAsync(string password) => Site.StartAsync(Database, new() { ["Admin:Email"] = Ann, ["Admin:Password"] = password });
}
