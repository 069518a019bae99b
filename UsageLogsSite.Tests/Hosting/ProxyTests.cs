using System.Net;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What is believed of where a request comes from: what known proxies say, and nobody else.</summary>
public sealed class ProxyTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("", "", "203.0.113.7", "127.0.0.1")] // nobody is believed who is not named
    [InlineData("192.0.2.1", "", "203.0.113.7", "127.0.0.1")] // the sender is another one
    [InlineData("127.0.0.1", "", "203.0.113.7", "203.0.113.7")]
    [InlineData("127.0.0.1", "", "2001:db8::7", "2001:db8::7")]
    [InlineData("127.0.0.1", "", "198.51.100.66, 203.0.113.7", "203.0.113.7")] // the client says itself that it is somebody else
    [InlineData("127.0.0.1", "10.9.0.0/16", "198.51.100.66, 203.0.113.7, 10.9.0.2, 10.9.1.3", "203.0.113.7")] // three proxies, one after another
    [InlineData("", "127.0.0.0/8, 10.9.0.0/16", "198.51.100.66, 203.0.113.7, 10.9.0.2", "203.0.113.7")]
    [InlineData("127.0.0.1", "", "198.51.100.66, 10.9.0.2", "10.9.0.2")] // a proxy that nobody has named is a client
    [InlineData("127.0.0.1", "", "gibberish", "127.0.0.1")]
    public async Task The_audit_log_names_the_client(string proxies, string networks, string forwarded, string address)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Proxy:KnownProxies"] = proxies, ["Proxy:KnownNetworks"] = networks });
        using var visit = new Visit(site.Address, site.Cookie);
        using var page = await visit.GetAsync($"/users/{ann}", ("X-Forwarded-For", forwarded));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(address, await Database.ScalarAsync<string>("SELECT address FROM audit_log ORDER BY id DESC LIMIT 1"));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("192.0.2.1", false)]
    public async Task A_known_proxy_says_that_a_browser_came_by_https(string proxies, bool isHttps)
    {
        await using var provider = await IdentityProvider.StartAsync();
        await using var site = await Site.StartAsync(Database, new()
        {
            ["Proxy:KnownProxies"] = proxies,
            ["OpenIdConnect:Authority"] = provider.Address,
            ["OpenIdConnect:ClientId"] = IdentityProvider.ClientId,
            ["OpenIdConnect:ClientSecret"] = IdentityProvider.ClientSecret,
        });
        using var visit = new Visit(site.Address);
        using var away = await visit.GetAsync(
            "/account/sign-in?handler=Provider", ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"));
        var back = $"{(isHttps ? "https" : "http")}://{site.Address.Authority}/account/provider/callback";
        Assert.Contains($"redirect_uri={Uri.EscapeDataString(back)}&", away.Headers.Location?.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_counts_clients_behind_a_known_proxy_apart_and_a_forged_address_is_nobody_else()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Proxy:KnownProxies"] = "127.0.0.1", ["Limits:SignInsPerMinute"] = "3" });
        for (var i = 0; i < 3; i++)
            Assert.NotEqual(HttpStatusCode.TooManyRequests, await TryAsync(site, $"198.51.100.{i}, 203.0.113.7"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await TryAsync(site, "198.51.100.9, 203.0.113.7"));
        Assert.NotEqual(HttpStatusCode.TooManyRequests, await TryAsync(site, "203.0.113.8"));
    }

    private static async Task<HttpStatusCode> TryAsync(Site site, string forwarded)
    {
        using var visit = new Visit(site.Address);
        var page = await visit.PageAsync("/account/sign-in");
        using var form = new FormUrlEncodedContent(page.QuerySelectorAll("main form input[type=hidden]")
            .Select(i => KeyValuePair.Create(i.GetAttribute("name")!, i.GetAttribute("value") ?? ""))
            .Append(new("Email", $"{Guid.NewGuid():N}@example.test")).Append(new("Password", "wrong wrong wrong")));
        using var answer = await visit.SendAsync(HttpMethod.Post, "/account/sign-in", form, ("X-Forwarded-For", forwarded));
        return answer.StatusCode;
    }
}
