using System.Net;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Account;

/// <summary>The sign-in as browsers without scripts use it.</summary>
public sealed class SignInTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Ann = "ann@example.test";
    private const string Password = "correct horse battery";

    [Fact]
    public async Task Who_asks_for_a_page_signs_in_and_goes_on_to_it()
    {
        await using var site = await StartAsync();
        using var visit = new Visit(site.Address);
        using var first = await visit.GetAsync("/usage?sort=cost");
        Assert.Equal(HttpStatusCode.Redirect, first.StatusCode);
        using var answer = await visit.SubmitAsync(first.Headers.Location!.PathAndQuery, "main form", ("Email", $" {Ann.ToUpperInvariant()} "), ("Password", Password));
        Assert.Equal("/usage?sort=cost", answer.Headers.Location?.ToString());
        Assert.Equal(Ann, (await visit.PageAsync("/usage?sort=cost")).QuerySelector("#who")!.TextContent);
        using var again = await visit.GetAsync("/account/sign-in");
        Assert.Equal("/usage", again.Headers.Location?.ToString());
    }

    [Fact]
    public async Task Nobody_is_led_elsewhere()
    {
        string[] cases =
        [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/usage",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/usage\r\nSet-Cookie: a=b",
            "\t//evil.example",
            "~//evil.example",
            "evil.example",
            "/usage\\..\\..//evil.example",
            "",
        ];
        await using var site = await StartAsync();
        await Assert.AllAsync(cases, async returnUrl =>
        {
            using var visit = new Visit(site.Address);
            var page = await visit.PageAsync($"/account/sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}");
            Assert.Equal("", page.QuerySelector("input[name=ReturnUrl]")!.GetAttribute("value"));
            using var answer = await visit.SubmitAsync("/account/sign-in", "main form", ("Email", Ann), ("Password", Password), ("ReturnUrl", returnUrl));
            Assert.Equal("/usage", answer.Headers.Location?.ToString());
            using var signedIn = await visit.GetAsync($"/account/sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}");
            Assert.Equal("/usage", signedIn.Headers.Location?.ToString());
        });
    }

    [Fact]
    public async Task All_refusals_look_the_same()
    {
        await using var site = await StartAsync();
        await using (var scope = site.Services.CreateAsyncScope())
            await scope.ServiceProvider.GetRequiredService<Accounts>().AddAsync("off@example.test", Data.AccountRole.Member, null, Password);
        await Database.ExecuteAsync("UPDATE accounts SET is_disabled = true WHERE email = 'off@example.test'");
        var answers = new List<string>();
        foreach (var (email, password) in new[] { (Ann, "wrong"), ("nobody@example.test", Password), ("off@example.test", Password), (site.Cookie, Password), ("a\u202Eb", "\uFFFF"), (Ann, new string('x', 5_000)), ("", "") })
        {
            using var visit = new Visit(site.Address);
            using var answer = await visit.SubmitAsync("/account/sign-in", "main form", ("Email", email), ("Password", password));
            Assert.Equal((email, HttpStatusCode.OK), (email, answer.StatusCode));
            answers.Add((await Visit.ReadAsync(answer)).QuerySelector("#refused")!.TextContent);
            Assert.DoesNotContain("usage-session", visit.Cookie, StringComparison.Ordinal);
        }

        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task Five_failures_lock_an_account_for_a_quarter_of_an_hour_however_many_come_at_once()
    {
        await using var site = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => TryAsync(site, "wrong")));
        Assert.Equal(1L, await CountAsync("LockedOut"));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(site, Password));
        Assert.InRange(await Database.ScalarAsync<double>("SELECT extract(epoch FROM lockout_end - now())::float8 FROM accounts WHERE email = $1", Ann), 800, 900);

        await Database.ExecuteAsync("UPDATE accounts SET lockout_end = now() - interval '1 second' WHERE email = $1", Ann);
        Assert.Equal(HttpStatusCode.Redirect, await TryAsync(site, Password));
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 4; j++)
                Assert.Equal(HttpStatusCode.OK, await TryAsync(site, "wrong"));
            Assert.Equal(HttpStatusCode.Redirect, await TryAsync(site, Password)); // and four failures are forgiven
        }
    }

    [Fact]
    public async Task Too_many_attempts_are_told_to_wait_by_account_and_by_address()
    {
        await using var site = await StartAsync(("Limits:SignInsPerMinute", "3"));
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, await TryAsync(site, "wrong", $"user{i}@example.test"));
        using var visit = new Visit(site.Address);
        using var answer = await visit.SubmitAsync("/account/sign-in", "main form", ("Email", Ann), ("Password", Password));
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Contains("Too many attempts", (await Visit.ReadAsync(answer)).QuerySelector("#wait")!.TextContent, StringComparison.Ordinal);

        using var limits = new SignInLimits(Microsoft.Extensions.Options.Options.Create(new LimitOptions { SignInsPerMinute = 2 }), new LimitMetrics(Meters.Unread));
        var refused = new List<bool>();
        for (var i = 0; i < 3; i++)
        {
            var http = new Microsoft.AspNetCore.Http.DefaultHttpContext();
            http.Connection.RemoteIpAddress = new IPAddress([10, 0, 0, (byte)i]);
            refused.Add(limits.Refuse(http, i == 1 ? Ann.ToUpperInvariant() : Ann) is not null);
        }

        Assert.Equal([false, false, true], refused);
    }

    [Theory]
    [InlineData("Production", "usage.example.com", true)]
    [InlineData("Production", "localhost:5080", false)]
    [InlineData("Development", "usage.example.com", false)]
    public async Task Where_the_cookie_cannot_come_back_the_page_says_so_before(string environment, string host, bool isWarned)
    {
        await using var site = await StartAsync(("environment", environment));
        using var visit = new Visit(site.Address);
        using var plain = await visit.GetAsync("/account/sign-in", ("Host", host));
        Assert.Equal(isWarned, (await plain.Content.ReadAsStringAsync(Cancellation)).Contains("will not work at this address", StringComparison.Ordinal));
        using var behindProxy = await visit.GetAsync("/account/sign-in", ("Host", host), ("X-Forwarded-Proto", "https"));
        Assert.DoesNotContain("will not work", await behindProxy.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_signs_in_once()
    {
        await using var site = await StartAsync();
        var owner = await Database.ScalarAsync<Guid>("SELECT id FROM accounts WHERE email = $1", Ann);
        var link = site.Services.GetRequiredService<SignInLinks>().Create(owner);
        using (var signedIn = new Visit(site.Address, site.Cookie))
        using (var answer = await signedIn.GetAsync(link))
            Assert.Equal("/usage", answer.Headers.Location?.ToString()); // and it is not used up
        using var visit = new Visit(site.Address);
        using (var wrong = await visit.GetAsync("/account/link/" + new string('x', 43)))
            Assert.Equal(HttpStatusCode.NotFound, wrong.StatusCode);
        using (var answer = await visit.GetAsync(link))
        {
            Assert.Equal("/usage", answer.Headers.Location?.ToString());
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        }

        await visit.PageAsync("/usage");
        using var again = new Visit(site.Address);
        using var late = await again.GetAsync(link);
        Assert.Equal(HttpStatusCode.NotFound, late.StatusCode);
        Assert.DoesNotContain("usage-session", again.Cookie, StringComparison.Ordinal);
        Assert.False(site.Logs.Says(link.Split('/')[^1]));
    }

    [Fact]
    public void A_link_is_too_old_after_an_hour()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var links = new SignInLinks(time);
        var token = links.Create(Guid.NewGuid()).Split('/')[^1];
        time.Advance(SignInLinks.Lifetime);
        Assert.Null(links.Redeem(token));
    }

    [Fact]
    public async Task Neither_log_nor_audit_log_holds_what_signs_in()
    {
        await using var site = await StartAsync();
        using var visit = new Visit(site.Address);
        using (var typo = await visit.SubmitAsync("/account/sign-in", "main form", ("Email", Ann), ("Password", "hunter2-hunter2")))
            Assert.Equal(HttpStatusCode.OK, typo.StatusCode);
        await visit.SignInAsync(Ann, Password);
        await visit.PageAsync("/usage");
        using (var bye = await visit.SubmitAsync("/usage", ".who"))
            Assert.Equal(HttpStatusCode.Redirect, bye.StatusCode);
        var secrets = visit.SetCookies.Values.Select(c => c.Split(';')[0].Split('=', 2)[1]).Where(c => c.Length > 0).Append(Password).Append("hunter2-hunter2").Append(site.Cookie.Split('=', 2)[1]);
        var audit = string.Join('\n', await Database.RowsAsync("SELECT * FROM audit_log"));
        foreach (var secret in secrets)
        {
            Assert.False(site.Logs.Says(secret), $"The log says {secret}.");
            Assert.DoesNotContain(secret, audit, StringComparison.Ordinal);
        }

        Assert.Equal(["SignInFailed", "SignedIn", "SignedOut"], (await Database.RowsAsync("SELECT action FROM audit_log WHERE who = 'ann@example.test' ORDER BY id")).ToArray());
    }

    private Task<Site> StartAsync(params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string> { ["Admin:Email"] = Ann, ["Admin:Password"] = Password, ["Limits:SignInsPerMinute"] = "1000" };
        foreach (var (key, value) in settings)
            all[key] = value;
        return Site.StartAsync(Database, all);
    }

    private Task<long> CountAsync(string action) => Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = $1", action);

    private static async Task<HttpStatusCode> TryAsync(Site site, string password, string email = Ann)
    {
        using var visit = new Visit(site.Address);
        using var answer = await visit.SubmitAsync("/account/sign-in", "main form", ("Email", email), ("Password", password));
        return answer.StatusCode;
    }
}
