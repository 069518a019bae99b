using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>Usage as a file; that its rows are the right ones is shown by <see cref="Access.PrincipalsTests"/>.</summary>
public sealed class ExportTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_text_that_a_spreadsheet_would_run_is_only_a_text()
    {
        var user = await Database.ScalarAsync<Guid>("INSERT INTO users (name, email) VALUES ('=HYPERLINK(\"http://evil.example\",\"x\")', '+cmd|x@example.test') RETURNING id");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, E'@SUM(1,2)\nsecond, \"quoted\" line')", user);
        await using var site = await Site.StartAsync(Database);
        Assert.Contains("\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"x\"\")\",\"'+cmd|x@example.test\"", await ReadAsync(site, "/usage/export.csv"), StringComparison.Ordinal);
        Assert.Contains("\"'@SUM(1,2)\nsecond, \"\"quoted\"\" line\"", await ReadAsync(site, $"/users/{user}/export.csv"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n=1+1")]
    [InlineData("＝1+1")]
    [InlineData("＋1")]
    [InlineData("－1")]
    [InlineData("＠SUM(1)")]
    public async Task So_is_one_that_only_some_spreadsheets_would_run(string text)
    {
        var user = await Database.ScalarAsync<Guid>("INSERT INTO users (name, email) VALUES ($1, $1 || '@example.test') RETURNING id", text);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, $2)", user, text);
        await using var site = await Site.StartAsync(Database);
        var users = await ReadAsync(site, "/usage/export.csv");
        Assert.Contains($"'{text}", users, StringComparison.Ordinal);
        Assert.Contains($"'{text}@example.test", users, StringComparison.Ordinal);
        Assert.Contains($"'{text}", await ReadAsync(site, $"/users/{user}/export.csv"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_has_all_pages_and_who_took_it_is_written_down()
    {
        await Database.AddUsersAsync(150);
        await using var site = await Site.StartAsync(Database);
        using var answer = await site.GetAsync("/usage/export.csv?size=10&page=2&sort=name", site.Cookie);
        Assert.StartsWith("attachment; filename=", answer.Content.Headers.ContentDisposition!.ToString(), StringComparison.Ordinal);
        var lines = (await answer.Content.ReadAsStringAsync(Cancellation)).TrimEnd().Split('\n');
        Assert.StartsWith("user_id,name,email,user_type,created_at_utc,requests,", lines[0], StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, 150).Select(i => $"User {i:000}"), lines.Skip(1).Select(line => line.Split(',')[1]));
        Assert.Equal(
            "Exported||/usage?sort=name&page=2&size=10",
            (await Database.RowsAsync("SELECT action, subject, detail FROM audit_log WHERE action = 'Exported'")).Single());
    }

    [Fact]
    public async Task Who_looked_at_whose_logs_is_written_down_and_ones_own_are_nobodys_business()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var analyst = await site.SignInAsync(AccountRole.Analyst);
        var member = await site.SignInAsync(AccountRole.Member, ann);
        using var seen = await site.GetAsync($"/users/{ann}", analyst);
        using var own = await site.GetAsync("/usage", member);
        using var refused = await site.GetAsync($"/users/{ann}", member);
        using var nobody = await site.GetAsync($"/users/{Guid.NewGuid()}", analyst);
        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (seen.StatusCode, own.StatusCode, refused.StatusCode, nobody.StatusCode));
        Assert.Equal($"{ann}|analyst", (await Database.RowsAsync("SELECT l.subject, a.role FROM audit_log l JOIN accounts a ON a.id = l.account_id WHERE action = 'ViewedLogs'")).Single());
    }

    [Fact]
    public async Task A_member_without_a_user_is_told_so_and_sees_nothing()
    {
        await Database.AddUsersAsync(3);
        await using var site = await Site.StartAsync(Database);
        var cookie = await site.SignInAsync(AccountRole.Member);
        using var page = await site.GetAsync("/usage", cookie);
        Assert.Contains("No usage is linked to your account", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Single((await ReadAsync(site, "/usage/export.csv", cookie)).TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_file_that_nobody_fetches_is_given_up_and_holds_up_no_other()
    {
        await Database.ExecuteAsync("INSERT INTO users (name, email) SELECT repeat('n', 200), i || repeat('e', 200) || '@example.test' FROM generate_series(1, 40000) i");
        await using var site = await Site.StartAsync(Database, new() { ["Limits:ExportsAtOnce"] = "1", ["Limits:LongestExport"] = "00:00:02" });
        using var slow = site.ClientOf(site.Cookie);
        using var stalled = await slow.GetAsync(new Uri("/usage/export.csv", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using (var refused = await site.GetAsync("/usage/export.csv?sort=name", site.Cookie))
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);

        const string Held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite admin' AND state <> 'idle'";
        await Eventually.TrueAsync(async () => await Database.ScalarAsync<long>(Held) == 0, "the database has nothing to keep any more");
        await Assert.ThrowsAnyAsync<Exception>(() => stalled.Content.ReadAsByteArrayAsync(Cancellation));
        using var next = await site.GetAsync("/usage/export.csv?q=nobody", site.Cookie);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    private static async Task<string> ReadAsync(Site site, string address, string? cookie = null)
    {
        using var answer = await site.GetAsync(address, cookie ?? site.Cookie);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }
}
