using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

/// <summary>A stream lives no longer than the right to see what it tells of.</summary>
public sealed class SessionEndTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("DELETE FROM sessions WHERE account_id = $1")]
    [InlineData("UPDATE accounts SET is_disabled = true WHERE id = $1")]
    [InlineData("UPDATE accounts SET role = 'member' WHERE id = $1")]
    [InlineData("UPDATE accounts SET role = 'owner' WHERE id = $1")]
    [InlineData("DELETE FROM accounts WHERE id = $1")]
    public async Task It_ends_within_seconds_when_the_right_does(string how)
    {
        await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Analyst);
        await using var theirs = await SseReader.OpenAsync(site, cookie: cookie);
        await using var others = await SseReader.OpenAsync(site);
        await theirs.NextAsync();
        await others.NextAsync();

        var account = await Database.ScalarAsync<Guid>("SELECT id FROM accounts WHERE role = 'analyst'");
        await Database.ExecuteAsync(how, account);
        await theirs.NextAsync("session-ended").WaitAsync(Limit, Cancellation);
        await theirs.Ended.WaitAsync(Limit, Cancellation);
        Assert.False(others.Ended.IsCompleted);
    }

    [Fact]
    public async Task It_ends_when_the_session_has_lasted_its_time()
    {
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Analyst);
        await Database.ExecuteAsync("UPDATE sessions SET expires_at = now() + interval '2 seconds' WHERE account_id IN (SELECT id FROM accounts WHERE role = 'analyst')");
        await using var stream = await SseReader.OpenAsync(site, cookie: cookie);
        await stream.NextAsync("session-ended").WaitAsync(TimeSpan.FromSeconds(2) + Limit, Cancellation);
        using var again = await site.GetAsync("/usage/table", cookie);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }

    [Fact]
    public async Task It_ends_when_the_site_was_deaf_while_it_should_have_been_told()
    {
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Analyst);
        await using var stream = await SseReader.OpenAsync(site, cookie: cookie);
        await stream.NextAsync("heartbeat");
        const string Listener = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite listener'";
        var login = await Database.ScalarAsync<string>($"SELECT quote_ident(usename) {Listener}");
        await Database.ExecuteAsync($"ALTER ROLE {login} NOLOGIN");
        await Database.ExecuteAsync($"SELECT pg_terminate_backend(pid) {Listener}");
        await Eventually.TrueAsync(() => site.Logs.Count(1006) > 0, "the listener has noticed");

        // Told to nobody: only who looks anew can find out.
        await Database.ExecuteAsync("DELETE FROM sessions");
        await Database.ExecuteAsync($"ALTER ROLE {login} LOGIN");
        await stream.NextAsync("session-ended");
    }
}
