using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>Logs as a file, whole and however many they are.</summary>
public sealed class LogsExportTests(PostgresCluster cluster, ITestOutputHelper output) : SiteTest(cluster)
{
    private static readonly int Many = Run.IsLong ? 1_000_000 : 30_000;

    [Fact]
    public async Task All_logs_of_a_filters_users_are_what_the_raw_table_says()
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || i, CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 20) i");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, cost_usd, created_at) SELECT u.id, E'=m\"x\", ' || i, i, 0.01 * i, now() - i * interval '31 hours' FROM users u, generate_series(0, 30) i WHERE u.name <> 'User 7' OR i > 24");
        await using var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = "Asia/Kolkata" });
        foreach (var (query, condition) in new[]
        {
            ("", "true"), ("?type=internal", "u.user_type = 'internal'"), ("?q=user%201", "u.name LIKE 'User 1%'"), ("?activity=active-24h&size=10&page=2", "u.name <> 'User 7'"),
            ("?period=7d&type=external", "u.user_type = 'external' AND (l.created_at AT TIME ZONE 'Asia/Kolkata')::date > (now() AT TIME ZONE 'Asia/Kolkata')::date - 7"),
        })
        {
            var expected = await Database.RowsAsync($"""
                SELECT l.id, l.user_id, '''' || l.model, l.prompt_tokens, to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                       to_char(l.created_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+05:30|Asia/Kolkata'
                FROM usage_logs l JOIN users u ON u.id = l.user_id WHERE {condition} ORDER BY l.user_id, l.created_at DESC, l.id
                """);
            using var answer = await site.GetAsync("/usage/logs.csv" + query, site.Cookie);
            Assert.Equal([$"{expected.Count}"], answer.Headers.GetValues("Row-Count"));
            var rows = Read(await answer.Content.ReadAsStringAsync(Cancellation));
            Assert.Equal(expected, rows.Select(r => string.Join('|', r["log_id"], r["user_id"], r["model"], r["prompt_tokens"], r["created_at_utc"][..26], r["created_at_local"], r["time_zone"])));
        }

        Assert.Contains("Logs of /usage?type=internal", await Database.RowsAsync("SELECT detail FROM audit_log WHERE action = 'Exported'"));
        foreach (var query in new[] { "", "?type=internal", "?period=7d&q=user%201", "?activity=inactive" })
        {
            using var users = await site.GetAsync("/usage/export.csv" + query, site.Cookie);
            Assert.Equal([$"{Read(await users.Content.ReadAsStringAsync(Cancellation)).Count}"], users.Headers.GetValues("Row-Count"));
        }
    }

    [Fact]
    public async Task A_member_gets_their_own_logs_only()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        await Database.AddLogAsync(bob);
        var log = await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        using var answer = await site.GetAsync("/usage/logs.csv?type=all", await site.SignInAsync(AccountRole.Member, ann));
        Assert.Equal(log.ToString(), Assert.Single(Read(await answer.Content.ReadAsStringAsync(Cancellation)))["log_id"]);
    }

    [Fact]
    public async Task All_purchases_of_a_filters_users_are_what_the_raw_table_says()
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || i, CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 12) i");
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status, created_at) SELECT u.id, 0.37 * i, 10.5 * i, (ARRAY['pending','completed','failed','refunded'])[1 + i % 4], now() - i * interval '31 hours' FROM users u, generate_series(0, 12) i");
        await using var site = await Site.StartAsync(Database, new() { ["Usage:TimeZone"] = "Asia/Kolkata" });
        var ann = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 4'");
        var member = await site.SignInAsync(AccountRole.Member, ann);
        foreach (var (address, condition, cookie) in new[]
        {
            ("/usage/purchases.csv", "true", site.Cookie), ("/usage/purchases.csv?type=internal&size=10", "u.user_type = 'internal'", site.Cookie), ("/usage/purchases.csv?q=user%201", "u.name LIKE 'User 1%'", site.Cookie),
            ("/usage/purchases.csv?period=7d", "(p.created_at AT TIME ZONE 'Asia/Kolkata')::date > (now() AT TIME ZONE 'Asia/Kolkata')::date - 7", site.Cookie),
            ($"/users/{ann}/purchases.csv?period=today", "u.name = 'User 4'", site.Cookie), ("/usage/purchases.csv?type=internal", "u.name = 'User 4'", member),
        })
        {
            var expected = await Database.RowsAsync($"""
                SELECT p.id, p.user_id, to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), trim_scale(p.amount_usd)::text, trim_scale(p.credits)::text, p.status,
                       to_char(p.created_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+05:30|Asia/Kolkata'
                FROM credit_purchases p JOIN users u ON u.id = p.user_id WHERE {condition} ORDER BY p.user_id, p.created_at DESC, p.id
                """);
            using var answer = await site.GetAsync(address, cookie);
            Assert.Equal([$"{expected.Count}"], answer.Headers.GetValues("Row-Count"));
            var rows = Read(await answer.Content.ReadAsStringAsync(Cancellation));
            Assert.Equal(expected, rows.Select(r => string.Join('|', r["purchase_id"], r["user_id"], r["created_at_utc"][..26], r["amount_usd"], r["credits"], r["status"], r["created_at_local"], r["time_zone"])));
        }

        Assert.Contains("Purchases of /usage?type=internal&size=10", await Database.RowsAsync("SELECT detail FROM audit_log WHERE action = 'Exported'"));
        using var refused = await site.GetAsync($"/users/{ann}/purchases.csv", member);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task However_many_logs_take_no_more_memory()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, created_at) SELECT $1, 'model', i, now() - i * interval '20 seconds' FROM generate_series(1, $2) i", ann, Many);
        await using var site = await Site.StartAsync(Database);
        using var http = site.ClientOf(site.Cookie);
        using var answer = await http.GetAsync(new Uri("/usage/logs.csv", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal([$"{Many}"], answer.Headers.GetValues("Row-Count"));
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
        await reader.ReadLineAsync(Cancellation);
        var (rows, first, most) = (0, 0L, 0L);
        while (await reader.ReadLineAsync(Cancellation) is not null)
        {
            if (++rows % (Many / 10) != 0)
                continue;
            var live = GC.GetTotalMemory(forceFullCollection: true);
            first = first == 0 ? live : first;
            most = Math.Max(most, live);
        }

        output.WriteLine($"{rows:N0} rows: {first / 1e6:0.0} MB alive after a tenth, {most / 1e6:0.0} MB at most");
        Assert.Equal(Many, rows);
        Assert.InRange(most - first, 0, 24_000_000); // the file has 150 bytes a row; other tests run beside this one
    }

    private static List<Dictionary<string, string>> Read(string csv)
    {
        var lines = Fields(csv);
        return [.. lines.Skip(1).Select(line => lines[0].Zip(line).ToDictionary(p => p.First, p => p.Second))];
    }

    /// <summary>RFC 4180, read as simply as it can be.</summary>
    private static List<List<string>> Fields(string csv)
    {
        var (rows, row, field, quoted) = (new List<List<string>>(), new List<string>(), new System.Text.StringBuilder(), false);
        for (var i = 0; i < csv.Length; i++)
        {
            var c = csv[i];
            if (quoted && c == '"' && i + 1 < csv.Length && csv[i + 1] == '"')
                field.Append(csv[++i]);
            else if (c == '"')
                quoted = !quoted;
            else if (quoted || (c != ',' && c != '\n' && c != '\r'))
                field.Append(c);
            else if (c != '\r')
            {
                row.Add(field.ToString());
                field.Clear();
                if (c == '\n')
                {
                    rows.Add(row);
                    row = [];
                }
            }
        }

        return rows;
    }
}
