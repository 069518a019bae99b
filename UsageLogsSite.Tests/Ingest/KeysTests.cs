using System.Net;
using System.Text.RegularExpressions;
using UsageLogsSite.Commands;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>API keys: made, shown once, limited and revoked.</summary>
public sealed class KeysTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_revoked_key_stops_on_every_instance()
    {
        await using var site = await Site.StartBusyAsync(Database);
        await using var second = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var (here, there) = (site.ClientOf(cookie: null), second.ClientOf(cookie: null));
        using (here)
        using (there)
        {
            foreach (var http in new[] { here, there })
            {
                http.DefaultRequestHeaders.Authorization = new("Bearer", shop.Key);
                Assert.Equal(HttpStatusCode.OK, await StatusAsync(http));
            }

            using var owner = new Visit(site.Address, site.Cookie);
            using var answer = await owner.SubmitAsync("/admin/keys", $"[data-key-id='{shop.KeyId}'] form");
            var start = DateTime.UtcNow;
            foreach (var http in new[] { here, there })
                await Eventually.TrueAsync(async () => await StatusAsync(http) == HttpStatusCode.Unauthorized, "the key is refused");
            Assert.InRange(DateTime.UtcNow - start, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }

        Assert.Equal(["RevokedApiKey"], await Database.RowsAsync("SELECT action FROM audit_log WHERE action LIKE '%Key'" + " AND account_id IS NOT NULL"));

        static async Task<HttpStatusCode> StatusAsync(HttpClient http)
        {
            using var content = new StringContent("[]", System.Text.Encoding.UTF8, MediaTypes.Json);
            using var answer = await http.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), content, Cancellation);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task The_page_shows_a_key_once_and_when_it_was_used_and_no_table_or_log_has_it()
    {
        await using var site = await Site.StartBusyAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var made = await owner.SubmitAsync("/admin/keys", "#add", ("name", "My <shop>"), ("source", "shop"), ("scopes", "usage-logs:write"));
        var key = Regex.Match(await made.Content.ReadAsStringAsync(Cancellation), ApiKeys.Prefix + "[A-Za-z0-9_-]{43}").Value;
        Assert.NotEmpty(key);
        var page = await owner.PageAsync("/admin/keys");
        Assert.DoesNotContain(key, page.Source.Text, StringComparison.Ordinal);
        Assert.Equal("never", page.QuerySelector(".used dd")!.TextContent.Trim());

        using var http = site.ClientOf(cookie: null);
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using (var content = new StringContent("[]", System.Text.Encoding.UTF8, MediaTypes.Json))
        using (var answer = await http.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), content, Cancellation))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.NotEqual("never", (await owner.PageAsync("/admin/keys")).QuerySelector(".used dd")!.TextContent.Trim());

        foreach (var table in new[] { "api_keys", "audit_log" })
            Assert.Equal(0L, await Database.ScalarAsync<long>($"SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%'", key));
        Assert.False(site.Logs.Says(key));
        Assert.Contains("AddedApiKey|My <shop>: source shop, usage-logs:write", await Database.RowsAsync("SELECT action, detail FROM audit_log"));

        using var refused = await owner.SubmitAsync("/admin/keys", "#add", ("name", ""), ("scopes", "usage-logs:write"));
        Assert.Contains("must have 1 to 100 characters", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_make_list_and_revoke_keys()
    {
        var settings = $"--ConnectionStrings:UsageLogs={Database.ConnectionString}";
        var made = await CommandRun.RunAsync("keys", "create", "--name", "shop", "--scopes", "usage-logs:write", settings);
        Assert.Equal((CommandLine.Done, ""), (made.ExitCode, made.Error));
        Assert.Matches($"\n{ApiKeys.Prefix}[A-Za-z0-9_-]{{43}}\n", made.Output);
        var listed = await CommandRun.RunAsync("keys", "list", settings);
        Assert.Matches("^[0-9a-f-]{36}  open     shop  source shop  usage-logs:write  never used\n$", listed.Output);
        var id = listed.Output[..36];
        Assert.Equal(CommandLine.Done, (await CommandRun.RunAsync("keys", "revoke", "--id", id, settings)).ExitCode);
        var again = await CommandRun.RunAsync("keys", "revoke", "--id", id, settings);
        Assert.Equal(CommandLine.Trouble, again.ExitCode);
        Assert.Contains("no such key", again.Error, StringComparison.Ordinal);
        var wrong = await CommandRun.RunAsync("keys", "create", "--name", "shop", "--scopes", "everything", settings);
        Assert.Equal(CommandLine.Trouble, wrong.ExitCode);
        Assert.Contains("Scopes must be some of usage-logs:write, credit-purchases:write", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_sends_too_much_waits_and_no_other_does()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:RequestsPerSecond"] = "3", ["Ingest:RowsPerSecond"] = "1000" });
        using var shop = await Sender.CreateAsync(site, "shop");
        using var other = await Sender.CreateAsync(site, "other");
        var answers = new List<Answer>();
        for (var i = 0; i < 20; i++)
            answers.Add(await shop.PostAsync("[]"));
        var refused = answers.First(a => a.Status != HttpStatusCode.OK).Refused(HttpStatusCode.TooManyRequests, "too-many-requests");
        Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);

        // A batch goes through as long as anything is left; what follows it waits.
        var batch = string.Concat(Enumerable.Repeat($$"""{"user_id":"{{ann}}","model":"m"}""" + "\n", 5_000));
        (await other.PostAsync(batch, type: MediaTypes.Lines)).Took(5_000, 0);
        refused = (await other.PostAsync("[]")).Refused(HttpStatusCode.TooManyRequests, "too-many-requests");
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 4);
    }

    [Fact]
    public async Task Who_tries_keys_at_random_is_slowed_down_and_nobody_else_at_the_address()
    {
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:UnknownKeysPerSecond"] = "2" });
        using var shop = await Sender.CreateAsync(site);
        (await shop.PostAsync("[]")).Took(0, 0);
        using var http = site.ClientOf(cookie: null);
        var seen = new HashSet<HttpStatusCode>();
        for (var i = 0; i < 20; i++)
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", ApiKeys.Create().Key);
            using var content = new StringContent("[]", System.Text.Encoding.UTF8, MediaTypes.Json);
            using var answer = await http.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), content, Cancellation);
            seen.Add(answer.StatusCode);
        }

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests], seen);
        (await shop.PostAsync("[]")).Took(0, 0);
    }
}
