using System.Globalization;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>
/// Whatever is asked, each principal gets exactly the rows, counts and sums that a query of the raw tables, run by the owner of the database,
/// says are theirs: in fragments and in exported files.
/// </summary>
public sealed class PrincipalsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Seed = 20_261_123;

    private static readonly string[] Types = ["all", "internal", "external"];
    private static readonly string[] Activities = ["all", "active-24h", "active-7d", "active-30d", "inactive"];
    private static readonly string[] Periods = ["all", "today", "7d", "30d", "month", "last-month"];
    private static readonly string[] Sorts = ["last-activity", "name", "requests", "tokens", "credits", "cost", "revenue"];
    private static readonly string[] Searches = ["", "", "user 0", "user 01", "7@", "example", "nobody", "%", "_"];
    private static readonly int[] Sizes = [10, 25, 50, 100];

    private static readonly int Rounds = Run.IsLong ? 1_000 : 60;

    [Fact]
    public async Task Those_who_see_everything_see_what_the_raw_tables_say()
    {
        await AddUsageAsync();
        await using var site = await Site.StartAsync(Database);
        string[] cookies = [await site.SignInAsync(AccountRole.Owner), await site.SignInAsync(AccountRole.Analyst)];
        var random = new Random(Seed);
        for (var i = 0; i < Rounds; i++)
        {
            var filter = Pick(random);
            var oracle = await Oracle.OfTableAsync(Database, filter);
            var fragment = await FragmentAsync(site, "/usage/table" + filter.Query, cookies[i % 2]);
            Assert.Equal(oracle.Sums, Texts(fragment, "#total-users", "#total-requests", "#total-tokens", "#total-cost", "#total-revenue"));
            Assert.Equal(oracle.Page, Rows(fragment, "tr[data-user-id]", "data-user-id", "td.requests", "td.tokens", "td.credits .used", "td.credits .bought", "td.cost", "td.revenue"));
            if (i % 5 == 0)
                Assert.Equal(oracle.All, await ExportAsync(site, "/usage/export.csv" + filter.Query, cookies[i % 2], 0, 5, 6, 7, 8, 9, 10));
        }
    }

    [Theory]
    [InlineData("User 005")]
    [InlineData("User 060")]
    public async Task A_member_sees_their_own_whatever_they_ask(string name)
    {
        await AddUsageAsync();
        await using var site = await Site.StartAsync(Database);
        var self = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = $1", name);
        var cookie = await site.SignInAsync(AccountRole.Member, self);
        var cursors = await Database.RowsAsync("SELECT (extract(epoch FROM created_at) * 1000000)::bigint || '-' || replace(id::text, '-', '') FROM usage_logs");
        var random = new Random(Seed);
        for (var i = 0; i < Rounds / 2; i++)
        {
            // The places of other users' logs are as good as those of their own; all that the list of users knows means nothing.
            var filter = Pick(random);
            var before = random.Next(2) == 0 ? cursors[random.Next(cursors.Count)] : null;
            var query = filter.Query + (before is null ? "" : "&before=" + before);
            var oracle = await Oracle.OfUserAsync(Database, self, filter, before);
            var fragment = await FragmentAsync(site, "/usage/table" + query, cookie);
            Assert.Equal(oracle.Sums, Texts(fragment, "#total-requests", "#total-tokens", "#total-cost", "#total-credits", "#total-revenue"));
            Assert.Equal(oracle.Page, Rows(fragment, "tr[data-log-id]", "data-log-id", "td.prompt", "td.completion", "td.credits", "td.cost"));
            if (i % 5 == 0)
                Assert.Equal(oracle.All, await ExportAsync(site, "/usage/export.csv" + query, cookie, 0, 4, 5, 6, 7));
        }
    }

    private static TableFilter Pick(Random random) => new(
        Of(random, Types), Of(random, Activities), Of(random, Periods), Of(random, Searches), Of(random, Sorts), random.Next(2) == 0, random.Next(1, 4),
        Of(random, Sizes));

    private static T Of<T>(Random random, T[] values) => values[random.Next(values.Length)];

    private static async Task<IDocument> FragmentAsync(Site site, string address, string cookie)
    {
        using var response = await site.GetAsync(address, cookie);
        Assert.True(response.IsSuccessStatusCode, $"{address} was answered with {(int)response.StatusCode}.");
        return new HtmlParser().ParseDocument(await response.Content.ReadAsStringAsync(Cancellation));
    }

    private static async Task<List<string>> ExportAsync(Site site, string address, string cookie, params int[] columns)
    {
        using var response = await site.GetAsync(address, cookie);
        Assert.Equal("text/csv", response.Content.Headers.ContentType!.MediaType);
        var lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return [.. lines.Skip(1).Select(line => line.Split(',')).Select(cells => string.Join('|', columns.Select(c => Number(cells[c]))))];
    }

    private static List<string> Texts(IDocument fragment, params string[] selectors) =>
        [.. selectors.Select(s => Number(fragment.QuerySelector(s + " data")!.GetAttribute("value")!))];

    private static List<string> Rows(IDocument fragment, string row, string id, params string[] cells) =>
        [.. fragment.QuerySelectorAll(row).Select(r => string.Join('|', cells
            .Select(c => r.QuerySelector(c)!).Select(c => Number((c.LocalName == "data" ? c : c.QuerySelector("data")!).GetAttribute("value")!)).Prepend(r.GetAttribute(id)!)))];

    /// <summary>Numbers without zeros at their ends, so that however they are written equal ones are equal.</summary>
    private static string Number(string text) =>
        decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) ? number.ToString("0.############", CultureInfo.InvariantCulture) : text;

    /// <summary>Sixty users with logs and purchases of the last seventy days, none near the end of a window.</summary>
    private async Task AddUsageAsync()
    {
        await Database.ExecuteAsync(
            """
            INSERT INTO users (email, name, user_type)
            SELECT format('u%s@example.test', i), 'User ' || lpad(i::text, 3, '0'), CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 60) i
            """);
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at)
            SELECT u.id, 'm' || i % 4, i % 90, i % 41, i % 7 * 0.25, i % 13 * 0.0031, now() - i * interval '97 minutes' - interval '13 minutes'
            FROM generate_series(0, 1040) i JOIN users u ON right(u.name, 3)::int = 1 + (i * i + i / 7) % 57
            """);
        await Database.ExecuteAsync(
            """
            INSERT INTO credit_purchases (user_id, amount_usd, credits, status, created_at)
            SELECT u.id, 10 + i % 5, 1000, (ARRAY['completed', 'pending', 'completed', 'failed', 'refunded'])[1 + i % 5], now() - i * interval '9 hours' - interval '20 minutes'
            FROM generate_series(0, 150) i JOIN users u ON right(u.name, 3)::int = 1 + (i * 11) % 60
            """);
    }

    /// <summary>What is asked of the list of users.</summary>
    internal sealed record TableFilter(
        string Type, string Activity, string Period, string Search, string Sort, bool Descending, int Page, int Size)
    {
        internal string Query =>
            $"?type={Type}&activity={Activity}&period={Period}&q={Uri.EscapeDataString(Search)}&sort={Sort}&dir={(Descending ? "desc" : "asc")}&page={Page}&size={Size}";
    }
}
