using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Account;

/// <summary>What people do with their own account.</summary>
public sealed class AccountPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Ann = "ann@example.test";
    private const string Password = "correct horse battery";
    private const string Better = "an even better passphrase";

    [Fact]
    public async Task Another_password_ends_all_other_sessions_and_only_theirs()
    {
        await using var site = await StartAsync();
        using var here = new Visit(site.Address);
        using var elsewhere = new Visit(site.Address);
        await here.SignInAsync(Ann, Password);
        await elsewhere.SignInAsync(Ann, Password);
        foreach (var (current, next, selector) in new[] { ("wrong", Better, "#refused"), (Password, "too short", "#refused"), (Password, new string('x', 201), "#refused"), (Password, Better, "#done") })
        {
            using var answer = await here.SubmitAsync("/account", "#password", ("current", current), ("password", next));
            Assert.NotNull((await Visit.ReadAsync(answer)).QuerySelector(selector));
        }

        Assert.Single((await here.PageAsync("/account")).QuerySelectorAll("#sessions li"));
        await AssertOutAsync(elsewhere);
        using (var owner = new Visit(site.Address, site.Cookie))
            await owner.PageAsync("/usage");
        using (var old = await elsewhere.SubmitAsync("/account/sign-in", "main form", ("Email", Ann), ("Password", Password)))
            Assert.Equal(HttpStatusCode.OK, old.StatusCode);
        await elsewhere.SignInAsync(Ann, Better);
        Assert.Equal(1L, await CountAsync("ChangedPassword"));
    }

    [Fact]
    public async Task One_other_browser_can_be_ended_but_not_somebody_elses()
    {
        await using var site = await StartAsync();
        using var here = new Visit(site.Address);
        using var elsewhere = new Visit(site.Address);
        await here.SignInAsync(Ann, Password);
        await elsewhere.SignInAsync(Ann, Password);
        var foreign = Convert.ToBase64String(await Database.ScalarAsync<byte[]>("SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE a.email <> $1", Ann));
        foreach (var (id, expected) in new[] { (foreign, HttpStatusCode.Redirect), ("nonsense", HttpStatusCode.BadRequest), ("", HttpStatusCode.BadRequest) })
        {
            using var answer = await here.SubmitAsync("/account", "#sessions form", ("id", id));
            Assert.Equal(expected, answer.StatusCode);
        }

        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM sessions"));
        using (var end = await here.SubmitAsync("/account", "#sessions form"))
            Assert.Equal(HttpStatusCode.Redirect, end.StatusCode);
        await AssertOutAsync(elsewhere);
        await here.PageAsync("/account");
    }

    [Theory]
    [InlineData("Development", false)]
    [InlineData("Production", true)]
    public async Task Signing_out_everywhere_ends_every_browser_and_what_it_keeps(string environment, bool isCleared)
    {
        await using var site = await StartAsync(environment);
        using var here = new Visit(site.Address);
        using var elsewhere = new Visit(site.Address);
        await here.SignInAsync(Ann, Password);
        await elsewhere.SignInAsync(Ann, Password);
        using (var answer = await here.SubmitAsync("/account", "#everywhere"))
        {
            Assert.Equal("/account/sign-in", answer.Headers.Location?.ToString());
            Assert.Equal(isCleared, answer.Headers.TryGetValues("Clear-Site-Data", out var what) && what.Single() == "\"cache\"");
        }

        await AssertOutAsync(here);
        await AssertOutAsync(elsewhere);
        Assert.Equal(1L, await CountAsync("SignedOutEverywhere"));
    }

    [Fact]
    public async Task Who_signs_in_by_other_means_can_set_a_password()
    {
        await using var site = await StartAsync();
        using var visit = new Visit(site.Address, site.Cookie);
        var email = (await visit.PageAsync("/account")).QuerySelector("#email")!.TextContent;
        using (var answer = await visit.SubmitAsync("/account", "#password", ("password", Better)))
            Assert.NotNull((await Visit.ReadAsync(answer)).QuerySelector("#done"));
        using var other = new Visit(site.Address);
        await other.SignInAsync(email, Better);
    }

    private static async Task AssertOutAsync(Visit visit)
    {
        using var answer = await visit.GetAsync("/account");
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
    }

    private Task<Site> StartAsync(string environment = "Development") =>
        Site.StartAsync(Database, new() { ["Admin:Email"] = Ann, ["Admin:Password"] = Password, ["environment"] = environment });

    private Task<long> CountAsync(string action) => Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = $1", action);
}
