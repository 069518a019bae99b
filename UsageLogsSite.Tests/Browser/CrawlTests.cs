using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Every page that a link leads to, in a real browser, with texts that would be code anywhere else.</summary>
public sealed class CrawlTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>NUL is not among them: PostgreSQL refuses it in any text, before it could reach a page.</summary>
    private static readonly string[] Payloads =
    [
        "<img src=x onerror=\"window.pwned=1\">",
        "\"><script>window.pwned=1</script>",
        "' hx-get='/account' hx-trigger='load' x='",
        "<div hx-get=\"/account\" hx-trigger=\"load\"></div>",
        "javascript:window.pwned=1",
        "\u202Egnp.exe\u202C and \u2066more\u2069",
        "{{constructor.constructor('window.pwned=1')()}}",
        "</title></style></textarea><svg onload=window.pwned=1>",
    ];

    /// <summary>How a page tells of what the content security policy refused, even if nobody looks at the console.</summary>
    private const string Violations = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI));";

    [Theory]
    [InlineData(AccountRole.Owner)]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task No_page_violates_the_policy_complains_or_runs_what_it_shows(AccountRole role)
    {
        var user = Guid.Empty;
        for (var i = 0; i < Payloads.Length; i++)
        {
            user = await Database.ScalarAsync<Guid>("INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id", Payloads[i], $"{Payloads[i]}{i}@example.test");
            await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens) VALUES ($1, $2, 1), ($1, repeat('w', 200), 1)", user, Payloads[i]);
        }

        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/health/live", cookie: await site.SignInAsync(role, role == AccountRole.Member ? user : null));
        await window.Context.AddInitScriptAsync(Violations);
        var (waiting, seen) = (new Queue<string>(), new HashSet<string>());
        Find("/usage");
        foreach (var payload in Payloads)
            Find("/usage?q=" + Uri.EscapeDataString(payload));
        if (role == AccountRole.Owner)
            Find("/users/" + user);
        while (waiting.TryDequeue(out var address))
        {
            await window.Page.GotoAsync(address);
            if (await window.Page.Locator("#live-status").CountAsync() > 0)
                await window.LiveAsync();
            Assert.Empty(await window.Page.EvaluateAsync<string[]>("window.violations"));
            Assert.False(await window.Page.EvaluateAsync<bool>("'pwned' in window"), $"{address} ran what it shows");
            Assert.Equal(0, await window.Page.Locator("#usage-table img, #usage-table script, #usage-table [hx-trigger=load]:not(.live-stream), #usage-table svg[onload]").CountAsync());
            foreach (var link in await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"))
                Find(link);
        }

        Assert.True(seen.Count >= 8, $"Only {seen.Count} pages were found: {string.Join(", ", seen)}");
        Assert.True(window.Errors.Count == 0, $"{string.Join(" / ", window.Errors)} on one of {string.Join(", ", seen)}");
        Assert.Empty(site.Logs.Errors);

        void Find(string address)
        {
            // Pages only, of each kind some: filters lead to filters without end.
            if (address.StartsWith('/') && !address.Contains(".csv", StringComparison.Ordinal) && seen.Count(s => s.Split('?')[0] == address.Split('?')[0]) < 12 && seen.Count < 60 && seen.Add(address))
                waiting.Enqueue(address);
        }
    }

    [Fact]
    public async Task A_name_with_turned_text_stays_inside_its_own_place()
    {
        await Database.ExecuteAsync("INSERT INTO users (name, email) VALUES ($1, 'turned@example.test')", "\u202Eabc");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        Assert.Equal("isolate", await window.Page.Locator("tr[data-user-id] .name").EvaluateAsync<string>("e => getComputedStyle(e).unicodeBidi"));
        Assert.Equal("isolate", await window.Page.Locator("tr[data-user-id] .email").EvaluateAsync<string>("e => getComputedStyle(e).unicodeBidi"));
    }

    [Fact]
    public async Task A_megabyte_is_refused_or_cut_and_breaks_nothing()
    {
        await using var site = await Site.StartAsync(Database);
        var megabyte = new string('x', 1 << 20);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("INSERT INTO users (name, email) VALUES ($1, 'a@example.test')", megabyte));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("INSERT INTO users (name, email) VALUES ('a', $1)", megabyte));
        var ann = await Database.AddUserAsync("Ann");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, $2)", ann, megabyte));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, E'a\\000')", ann));
        using var search = await site.GetAsync("/usage/table?q=" + megabyte, site.Cookie);
        Assert.InRange((int)search.StatusCode, 400, 431);
        using var again = await site.GetAsync("/usage/table", site.Cookie);
        Assert.True(again.IsSuccessStatusCode);
    }
}
