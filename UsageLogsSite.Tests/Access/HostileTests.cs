using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What a review with bad intentions found, and must not find again.</summary>
public sealed class HostileTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Theory]
    [InlineData("/account/sign-in")]
    [InlineData("/account/sign-out")]
    [InlineData("/usage")]
    public async Task A_large_request_is_refused_before_it_is_kept(string address)
    {
        await using var site = await Site.StartAsync(Database);
        using var nobody = site.ClientOf(null);
        using var content = new StringContent("Email=" + new string('x', 100 * 1024), Encoding.UTF8, "application/x-www-form-urlencoded");
        using var answer = await nobody.PostAsync(new Uri(address, UriKind.Relative), content, Cancellation);
        Assert.InRange((int)answer.StatusCode, 300, 499);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_member_without_a_user_sees_nothing_even_where_somebody_has_the_id_of_nobody()
    {
        await Database.ExecuteAsync("INSERT INTO users (id, name, email) VALUES ($1, 'nobodys-name', 'nobody@example.test')", Guid.Empty);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, 'nobodys-model')", Guid.Empty);
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Member);
        foreach (var address in new[] { "/usage", "/usage/table", "/usage/export.csv" })
        {
            using var answer = await site.GetAsync(address, cookie);
            Assert.DoesNotContain("nobodys", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Logs_that_are_read_by_fragments_are_written_down_once()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        for (var i = 0; i < 3; i++)
        {
            using var answer = await site.GetAsync($"/users/{ann}/table", site.Cookie);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using var other = await site.GetAsync($"/users/{ann}/table", await site.SignInAsync(AccountRole.Analyst));
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = 'ViewedLogs' AND subject = $1", ann.ToString()));
    }

    [Fact]
    public async Task A_file_ends_with_the_session_and_an_account_has_one_at_a_time_whatever_its_browsers_are_called()
    {
        await Database.ExecuteAsync("INSERT INTO users (name, email) SELECT repeat('n', 200), i || repeat('e', 200) || '@example.test' FROM generate_series(1, 40000) i");
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Analyst);
        using var slow = site.ClientOf($"{cookie}; usage-client={new string('a', 32)}");
        using var file = await slow.GetAsync(new Uri("/usage/export.csv", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using (var second = await site.GetAsync("/usage/export.csv", $"{cookie}; usage-client={new string('b', 32)}"))
            Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        using (var others = await site.GetAsync("/usage/export.csv?q=nobody", site.Cookie))
            Assert.Equal(HttpStatusCode.OK, others.StatusCode);

        await Database.ExecuteAsync("UPDATE accounts SET is_disabled = true WHERE role = 'analyst'");
        const string Busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite admin' AND state <> 'idle'";
        await Eventually.TrueAsync(async () => await Database.ScalarAsync<long>(Busy) == 0, "the file is given up");
        await Assert.ThrowsAnyAsync<Exception>(() => file.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Fact]
    public async Task What_a_client_makes_up_is_no_failure_of_ours()
    {
        await using var site = await Site.StartAsync(Database);
        using (var turned = await site.GetAsync("/account/sign-in?returnUrl=/%C3%A4", site.Cookie))
            Assert.Equal("/usage", turned.Headers.Location?.ToString());
        using var nobody = site.ClientOf(null);
        using var form = new StringContent("Email=a", Encoding.ASCII);
        form.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded") { CharSet = "utf-7" };
        using (var refused = await nobody.PostAsync(new Uri("/account/sign-in", UriKind.Relative), form, Cancellation))
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.StatusCode);
        var ann = await Database.ScalarAsync<Guid>("INSERT INTO users (name, email) VALUES ('Ann', 'a' || repeat('😀', 319)) RETURNING id");
        using var seen = await site.GetAsync($"/users/{ann}", site.Cookie);
        Assert.Equal(HttpStatusCode.OK, seen.StatusCode);
        Assert.Empty(site.Logs.Errors);
    }

    [Theory]
    [InlineData("a[")]
    [InlineData("Email[")]
    [InlineData("[[[]")]
    public async Task A_field_whose_name_is_badly_written_is_no_failure_of_ours(string name)
    {
        await using var site = await Site.StartAsync(Database);
        using var nobody = new Visit(site.Address);
        using var answer = await nobody.SubmitAsync("/account/sign-in", "form", (name, "1"), ("Email", "ann@example.test"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(site.Logs.Errors);
    }

    [Theory]
    [InlineData("ab😀cd", 3, "ab")]
    [InlineData("ab😀cd", 4, "ab😀")]
    [InlineData("ab\0", 9, "ab\uFFFD")]
    [InlineData("", 3, "")]
    public void A_text_is_cut_between_characters(string text, int longest, string expected) => Assert.Equal(expected, StoredText.Of(text, longest));

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    public void Limits_count_networks_of_which_one_has_all_addresses(string one, string other, bool same) => Assert.Equal(same, KeyOf(one) == KeyOf(other));

    private static string KeyOf(string address) => ClientId.NetworkOf(new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse(address) } });
}
