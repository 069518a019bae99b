using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>A session is a row: what happens to it, or to its account, holds at the next request, on any instance.</summary>
public sealed class SessionsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Owner = "ann@example.test";
    private const string Password = "correct horse battery";

    private static readonly string[] Surfaces = ["/usage", "/usage/table", "/usage/events"];

    [Fact]
    public async Task A_session_survives_a_restart_and_is_known_to_a_second_instance()
    {
        string cookie;
        await using (var first = await Site.StartAsync(Database))
        {
            cookie = first.Cookie;
            await using var second = await Site.StartAsync(Database);
            await AssertAsync(second, cookie, isIn: true);
        }

        await using var restarted = await Site.StartAsync(Database);
        await AssertAsync(restarted, cookie, isIn: true);
    }

    [Fact]
    public async Task Signing_out_on_one_instance_ends_the_session_on_the_other()
    {
        await using var one = await Site.StartAsync(Database);
        await using var other = await Site.StartAsync(Database);
        var cookie = await one.SignInAsync(AccountRole.Owner);
        await AssertAsync(other, cookie, isIn: true);
        using var visit = new Visit(one.Address, cookie);
        using (var answer = await visit.SubmitAsync("/usage", ".who"))
            Assert.Equal((HttpStatusCode.Redirect, "/account/sign-in"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        Assert.DoesNotContain("usage-session", visit.Cookie, StringComparison.Ordinal);
        await AssertAsync(one, cookie, isIn: false);
        await AssertAsync(other, cookie, isIn: false);
    }

    [Theory]
    [InlineData("UPDATE accounts SET is_disabled = true")]
    [InlineData("UPDATE sessions SET expires_at = now(); SELECT pg_notify('usage_access_changed', id::text) FROM accounts")]
    [InlineData("DELETE FROM sessions")]
    [InlineData("DELETE FROM accounts")]
    public async Task What_ends_a_session_ends_it_on_every_surface(string sql)
    {
        await using var site = await Site.StartAsync(Database);
        await AssertAsync(site, site.Cookie, isIn: true);
        await Database.ExecuteAsync(sql);
        await AssertAsync(site, site.Cookie, isIn: false);
    }

    [Fact]
    public async Task A_crowd_of_browsers_is_looked_up_over_few_connections()
    {
        const string Connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite admin'";
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("""
            INSERT INTO sessions (id, account_id, expires_at, device, address)
            SELECT sha256(convert_to('key ' || i, 'UTF8')), (SELECT id FROM accounts), now() + interval '1 hour', '', '' FROM generate_series(0, 399, 2) i
            """);
        var before = await Database.ScalarAsync<long>(Connections);
        var sessions = site.Services.GetRequiredService<SessionStore>();
        var found = await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Task.Run(() => sessions.FindAsync($"key {i}", Cancellation))));
        Assert.InRange(await Database.ScalarAsync<long>(Connections), 1, before + 2);
        for (var i = 0; i < found.Length; i++)
        {
            var own = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"key {i}")));
            Assert.Equal(i % 2 == 0 ? own : null, found[i]?.SessionId);
        }
    }

    [Fact]
    public async Task A_changed_role_holds_at_the_next_request()
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        foreach (var (role, expected) in new[] { ("analyst", HttpStatusCode.Forbidden), ("owner", HttpStatusCode.OK), ("member", HttpStatusCode.Forbidden) })
        {
            await Database.ExecuteAsync("UPDATE accounts SET role = $1", role);
            using var answer = await visit.GetAsync("/admin/rollup");
            Assert.Equal((role, expected), (role, answer.StatusCode));
        }
    }

    [Fact]
    public async Task A_session_ends_by_itself_unless_a_page_is_opened_in_its_second_half()
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, site.Cookie);
        await visit.PageAsync("/usage");
        Assert.DoesNotContain("usage-session", visit.SetCookies.Keys);

        await Database.ExecuteAsync("UPDATE sessions SET expires_at = now() + interval '1 day'");
        using (var fragment = await visit.GetAsync("/usage/table"))
            Assert.DoesNotContain("usage-session", visit.SetCookies.Keys);
        await visit.PageAsync("/usage");
        Assert.Contains("usage-session", visit.SetCookies.Keys);
        Assert.True(await Database.ScalarAsync<bool>("SELECT expires_at > now() + interval '6 days' FROM sessions"));
        await visit.PageAsync("/usage");
    }

    [Fact]
    public async Task The_table_holds_no_key_that_opens_a_session()
    {
        await using var site = await Site.StartAsync(Database);
        var id = await Database.ScalarAsync<byte[]>("SELECT id FROM sessions");
        Assert.Equal(32, id.Length);
        foreach (var forged in new[] { Convert.ToBase64String(id), Convert.ToHexString(id), "", "x", new string('x', 5_000), site.Cookie.Split('=', 2)[1][..^3] + "AAA" })
            await AssertAsync(site, $"usage-session={forged}", isIn: false);
    }

    [Fact]
    public async Task Expired_sessions_are_swept_at_a_sign_in()
    {
        await using var site = await Site.StartAsync(Database);
        await site.SignInAsync(AccountRole.Analyst);
        await Database.ExecuteAsync("UPDATE sessions SET expires_at = now() - interval '1 second'");
        await site.SignInAsync(AccountRole.Analyst);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM sessions"));
    }

    [Theory]
    [InlineData("Development", "usage-session", false)]
    [InlineData("Production", "__Host-usage-session", true)]
    public async Task Cookies_are_kept_from_scripts_other_sites_and_outside_of_development_from_plain_http(string environment, string name, bool isSecure)
    {
        await using var site = await Site.StartAsync(Database, new() { ["environment"] = environment, ["Admin:Email"] = Owner, ["Admin:Password"] = Password });
        using var visit = new Visit(site.Address);
        await visit.SignInAsync(Owner, Password);
        await visit.PageAsync("/usage");
        Assert.Contains(name, visit.SetCookies.Keys);
        Assert.Equal(3, visit.SetCookies.Count); // antiforgery, session, client
        foreach (var cookie in visit.SetCookies.Values)
        {
            var attributes = cookie.Split("; ").Skip(1).ToList();
            Assert.Equal(isSecure, cookie.StartsWith("__Host-", StringComparison.Ordinal));
            Assert.Contains("path=/", attributes);
            Assert.Contains("samesite=lax", attributes);
            Assert.Contains("httponly", attributes);
            Assert.Equal(isSecure, attributes.Contains("secure"));
            Assert.DoesNotContain(attributes, a => a.StartsWith("domain", StringComparison.Ordinal));
        }
    }

    /// <summary>Pages are asked first: they look each time, where the others remember.</summary>
    private static async Task AssertAsync(Site site, string cookie, bool isIn)
    {
        using var visit = new Visit(site.Address, cookie);
        foreach (var surface in Surfaces)
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(site.Address, surface));
                    request.Headers.Add("Cookie", cookie);
                    using var answer = await site.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
                    var refusal = surface == "/usage" ? HttpStatusCode.Redirect : HttpStatusCode.Unauthorized;
                    return answer.StatusCode == (isIn ? HttpStatusCode.OK : refusal);
                },
                $"{surface} is {(isIn ? "shown" : "refused")}");
        }
    }
}
