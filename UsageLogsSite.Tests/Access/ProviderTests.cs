using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Sign-in with an identity provider of our own, over real sockets.</summary>
public sealed class ProviderTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    [Fact]
    public async Task Who_has_an_account_of_a_verified_address_signs_in_and_is_known_by_the_providers_id_from_then_on()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var site = await StartAsync(provider);
        var ann = await site.AddAccountAsync(AccountRole.Analyst);
        provider.Person = ("ann-1", ann.Email!.ToUpperInvariant(), true);
        await AssertSignsInAsync(site, ann.Email!, "/usage?sort=cost");

        provider.Person = ("ann-1", "new-name@example.test", false);
        await AssertSignsInAsync(site, ann.Email!, "/usage");
        Assert.Equal(["SignedIn|by the identity provider", "SignedIn|by the identity provider"], (await Database.RowsAsync("SELECT action, detail FROM audit_log ORDER BY id")).ToArray());
    }

    [Theory]
    [InlineData(false, false, "the provider has not verified the address")]
    [InlineData(true, true, "the account is disabled")]
    public async Task Nobody_gets_an_account_by_an_address_that_is_not_verified_nor_one_that_is_disabled(bool isVerified, bool isDisabled, string why)
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var site = await StartAsync(provider, ("OpenIdConnect:CreateMembers", "true"));
        var ann = await site.AddAccountAsync(AccountRole.Owner);
        await Database.ExecuteAsync("UPDATE accounts SET is_disabled = $1 WHERE id = $2", isDisabled, ann.Id);
        provider.Person = ("ann-1", ann.Email!, isVerified);
        await AssertRefusedAsync(site, "#provider-refused");
        Assert.EndsWith(why, await Database.ScalarAsync<string>("SELECT detail FROM audit_log WHERE action = 'SignInFailed'"), StringComparison.Ordinal);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM account_logins"));
    }

    [Fact]
    public async Task Who_has_none_is_refused_or_becomes_a_member_who_sees_their_own_usage()
    {
        var user = await Database.AddUserAsync("Bob");
        var email = await Database.ScalarAsync<string>("SELECT email FROM users");
        await using var provider = await IdentityProvider.StartAsync();
        provider.Person = ("bob-1", email, true);
        await using (var closed = await StartAsync(provider))
            await AssertRefusedAsync(closed, "#provider-refused");
        await using var open = await StartAsync(provider, ("OpenIdConnect:CreateMembers", "true"));
        await AssertSignsInAsync(open, email, "/usage");
        Assert.Equal($"member|{user}", Assert.Single(await Database.RowsAsync($"SELECT role, user_id FROM accounts WHERE email = '{email}'")));
    }

    [Fact]
    public async Task Who_gives_up_or_was_never_sent_there_is_told_so()
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var site = await StartAsync(provider);
        await AssertRefusedAsync(site, "#provider-failed");
        using var visit = new Visit(site.Address);
        foreach (var forged in new[] { "", "?code=x&state=y", "?error=<b>", "?state=" })
        {
            using var answer = await visit.GetAsync("/account/provider/callback" + forged);
            Assert.Equal("/account/sign-in?provider=failed", answer.Headers.Location?.ToString());
        }

        await provider.DisposeAsync();
        await using var down = await StartAsync(provider: null, ("OpenIdConnect:Authority", "http://127.0.0.1:9"), ("OpenIdConnect:ClientId", "x"));
        using var visitor = new Visit(down.Address);
        using var unreachable = await visitor.GetAsync("/account/sign-in?handler=Provider");
        Assert.Equal("/account/sign-in?provider=failed", unreachable.Headers.Location?.ToString());
    }

    [Theory]
    [InlineData("Development", false)]
    [InlineData("Production", true)]
    public async Task On_the_way_cookies_are_kept_as_all_others_and_nobody_is_led_elsewhere(string environment, bool isSecure)
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var site = await StartAsync(provider, ("environment", environment));
        var ann = await site.AddAccountAsync(AccountRole.Analyst);
        provider.Person = ("ann-1", ann.Email!, true);
        using var visit = new Visit(site.Address);
        using var answer = await IdentityProvider.SignInAsync(visit, "//evil.example");
        Assert.Equal("/usage", answer.Headers.Location?.ToString());
        Assert.Equal(4, visit.SetCookies.Count); // antiforgery, correlation, nonce, session
        foreach (var cookie in visit.SetCookies.Values.Select(c => c.ToLowerInvariant()))
        {
            Assert.Equal(isSecure, cookie.StartsWith("__host-", StringComparison.Ordinal));
            Assert.Equal(isSecure, cookie.Contains("; secure", StringComparison.Ordinal));
            Assert.Contains("; httponly", cookie, StringComparison.Ordinal);
            Assert.Contains("; samesite=lax", cookie, StringComparison.Ordinal);
            Assert.Contains("; path=/;", cookie + ";", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_settings_there_is_no_button()
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address);
        Assert.Null((await visit.PageAsync("/account/sign-in")).QuerySelector("#provider"));
        using var answer = await visit.GetAsync("/account/sign-in?handler=Provider");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory]
    [InlineData("OpenIdConnect:Authority", "https://login.example.com", "OpenIdConnect:ClientId is missing")]
    [InlineData("OpenIdConnect:ClientId", "x", "OpenIdConnect:Authority is missing")]
    [InlineData("OpenIdConnect:Authority", "http://login.example.com", "OpenIdConnect:Authority is http://login.example.com; allowed is an https address")]
    public async Task Settings_that_are_not_allowed_are_named(string key, string value, string message)
    {
        var (exitCode, _, error) = await published.RunAsync(new() { ["ConnectionStrings:UsageLogs"] = "Host=127.0.0.1;Port=9;Username=nobody;Timeout=1", [key] = value });
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static async Task AssertSignsInAsync(Site site, string email, string returnUrl)
    {
        using var visit = new Visit(site.Address);
        using var answer = await IdentityProvider.SignInAsync(visit, returnUrl);
        Assert.Equal(returnUrl, answer.Headers.Location?.ToString());
        Assert.Equal(email, (await visit.PageAsync(returnUrl)).QuerySelector("#who")!.TextContent);
    }

    private static async Task AssertRefusedAsync(Site site, string message)
    {
        using var visit = new Visit(site.Address);
        using var answer = await IdentityProvider.SignInAsync(visit);
        Assert.NotNull((await visit.PageAsync(answer.Headers.Location!.OriginalString)).QuerySelector(message));
        Assert.DoesNotContain("usage-session", visit.Cookie, StringComparison.Ordinal);
    }

    private Task<Site> StartAsync(IdentityProvider? provider, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>();
        if (provider is not null)
            (all["OpenIdConnect:Authority"], all["OpenIdConnect:ClientId"], all["OpenIdConnect:ClientSecret"]) = (provider.Address, IdentityProvider.ClientId, IdentityProvider.ClientSecret);
        foreach (var (key, value) in settings)
            all[key] = value;
        return Site.StartAsync(Database, all);
    }
}
