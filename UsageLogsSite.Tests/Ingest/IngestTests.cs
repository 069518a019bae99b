using System.Net;
using System.Text;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>What applications write over HTTP is what is stored, once.</summary>
public sealed class IngestTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task One_row_a_list_and_lines_are_stored_as_they_say()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        (await shop.PostAsync(
            $$"""{"user_id":"{{ann}}","model":"sage-3","prompt_tokens":12,"completion_tokens":3,"credits":1.50,"cost_usd":0.012,"status":"failed","created_at":"2026-11-01T10:00:00+02:00"}""")).Took(1, 0);
        (await shop.PostAsync($$"""[{"user_id":"{{ann}}","model":"a"},{"model":"b","user_id":"{{ann}}","credits":null}]""")).Took(2, 0);
        (await shop.PostAsync($$"""{"user_id":"{{ann}}","model":"c"}{{"\n"}}{"user_id":"{{ann}}","model":"d 😀"}{{"\n"}}""", type: MediaTypes.Lines)).Took(2, 0);
        (await shop.PostAsync($$"""{"user_id":"{{ann}}","amount_usd":20,"credits":2000,"status":"completed"}""", "/api/credit-purchases")).Took(1, 0);
        (await shop.PostAsync("[]")).Took(0, 0);

        Assert.Equal(
            ["a|0|0|0|succeeded", "b|0|0|0|succeeded", "c|0|0|0|succeeded", "d 😀|0|0|0|succeeded", "sage-3|12|3|1.5|failed"],
            await Database.RowsAsync("SELECT model, prompt_tokens, completion_tokens, trim_scale(credits), status FROM usage_logs ORDER BY model"));
        Assert.Equal(["2026-11-01 08:00:00"], await Database.RowsAsync("SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM usage_logs WHERE model = 'sage-3'"));
        Assert.Equal(["20|2000|completed"], await Database.RowsAsync("SELECT trim_scale(amount_usd), trim_scale(credits), status FROM credit_purchases"));
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_row_that_comes_again_is_one_row()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        string Row(string id, string model, string more = "") => $$"""{"id":"{{id}}","user_id":"{{ann}}","model":"{{model}}"{{more}}}""";
        (await shop.PostAsync(Row("1", "m"))).Took(1, 0);
        (await shop.PostAsync(Row("1", "m"))).Took(0, 1);
        (await shop.PostAsync(Row("1", "m", ""","created_at":"2026-01-01T00:00:00Z","credits":0.00"""))).Took(0, 1);
        (await shop.PostAsync($"[{Row("1", "m")},{Row("2", "m")},{Row("2", "m")},{Row("3", "m")}]")).Took(2, 2);

        // Another table's ids are others.
        (await shop.PostAsync($$"""{"id":"1","user_id":"{{ann}}","amount_usd":1}""", "/api/credit-purchases")).Took(1, 0);

        var other = (await shop.PostAsync($"[{Row("4", "m")},{Row("2", "other")}]")).Refused(HttpStatusCode.Conflict, "other-contents");
        Assert.Equal(("id", 1, 1), (other.Errors.Single().GetProperty("field").GetString(), other.Errors.Single().GetProperty("index").GetInt32(), other.Errors.Single().GetProperty("line").GetInt32()));
        (await shop.PostAsync(Row("1", "other"))).Refused(HttpStatusCode.Conflict, "other-contents");
        (await shop.PostAsync($"[{Row("5", "m")},{Row("5", "other")}]")).Refused(HttpStatusCode.Conflict, "other-contents");
        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
    }

    [Fact]
    public async Task Ids_of_another_source_are_not_known_and_those_of_another_key_of_the_same_are()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var shop = await Sender.CreateAsync(site, "shop");
        using var shopToo = await Sender.CreateAsync(site, "shop");
        using var other = await Sender.CreateAsync(site, "other");
        var row = $$"""{"id":"1","user_id":"{{ann}}","model":"m","created_at":"2026-11-01T00:00:00Z"}""";
        var fresh = (await shop.PostAsync(row)).Took(1, 0);
        (await shopToo.PostAsync(row)).Took(0, 1);
        var unknown = (await other.PostAsync(row.Replace("\"m\"", "\"n\"", StringComparison.Ordinal))).Took(1, 0);
        Assert.Equal(fresh.Body, unknown.Body);
        Assert.Equal(["m", "n"], await Database.RowsAsync("SELECT model FROM usage_logs ORDER BY 1"));

        (await shop.PostAsync(row, idempotencyKey: "k")).Took(0, 1);
        (await other.PostAsync(row.Replace("\"m\"", "\"n\"", StringComparison.Ordinal), idempotencyKey: "k")).Took(0, 1);
    }

    [Fact]
    public async Task Batches_are_taken_whole_or_not_at_all()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var body = $$"""
            {"user_id":"{{ann}}","model":"m"}
            {"user_id":"{{Guid.NewGuid()}}","model":"m"}

            {"user_id":"{{ann}}","model":"m"}
            {"user_id":"{{Guid.NewGuid()}}","model":"m"}
            """;
        var refused = (await shop.PostAsync(body, type: MediaTypes.Lines)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
        Assert.Equal(
            [(1, 2, "user_id"), (3, 5, "user_id")],
            refused.Errors.Select(e => (e.GetProperty("index").GetInt32(), e.GetProperty("line").GetInt32(), e.GetProperty("field").GetString()!)));

        var many = string.Concat(Enumerable.Repeat("""{"model":""}""" + "\n", 300));
        refused = (await shop.PostAsync(many, type: MediaTypes.Lines)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
        Assert.Equal((600, RowErrors.MostTold), (refused.Json.GetProperty("error_count").GetInt32(), refused.Errors.Count));
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_logs) + (SELECT count(*) FROM ingest_ids)"));
    }

    [Fact]
    public async Task Single_rows_that_come_together_are_answered_each_for_itself()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        string Row(string id, string model, Guid? user = null) => $$"""{"id":"{{id}}","user_id":"{{user ?? ann}}","model":"{{model}}"}""";
        (await shop.PostAsync(Row("taken", "m"))).Took(1, 0);

        // New ones, one row by many, one that is there already, one that says something else, and one of nobody: in each round all at once.
        for (var round = 0; round < 15; round++)
        {
            var fresh = Enumerable.Range(0, 20).Select(i => shop.PostAsync(Row($"{round} {i}", "m"))).ToList();
            var same = Enumerable.Range(0, 6).Select(_ => shop.PostAsync(Row($"{round} same", "m"))).ToList();
            var repeated = shop.PostAsync(Row("taken", "m"));
            var other = shop.PostAsync(Row("taken", "other"));
            var nobodys = shop.PostAsync(Row($"{round} nobody's", "m", Guid.NewGuid()));
            Assert.All(await Task.WhenAll(fresh), answer => answer.Took(1, 0));
            Assert.Equal((1, 5), ((await Task.WhenAll(same)).Sum(a => a.Inserted), (await Task.WhenAll(same)).Sum(a => a.Repeated)));
            (await repeated).Took(0, 1);
            (await other).Refused(HttpStatusCode.Conflict, "other-contents");
            (await nobodys).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
        }

        Assert.Equal(1L + (15 * 21), await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
        Assert.Equal(1L + (15 * 21), await Database.ScalarAsync<long>("SELECT count(*) FROM ingest_ids"));
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task Whatever_comes_in_parallel_and_again_the_totals_are_those_of_each_row_once()
    {
        const int Ids = 3_000;
        var users = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => Database.AddUserAsync($"User {i}")));
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var seeds = new Random(20261124);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => seeds.Next()).ToList().Select(seed => SendAsync(new Random(seed))));

        var expected = Enumerable.Range(0, Ids).GroupBy(i => users[i % users.Length]).Select(g => $"{g.Key}|{g.Count()}|{g.Sum(i => i * 2L)}").Order(StringComparer.Ordinal);
        await site.FoldedAsync();
        Assert.Equal(expected, (await Database.RowsAsync("SELECT user_id, requests, tokens FROM usage_totals")).Order(StringComparer.Ordinal));
        await Totals.AssertExactAsync(Database);
        Assert.Empty(site.Logs.Errors);

        // Each sends all rows, cut into batches at random places and in an order of its own, some of them twice.
        async Task SendAsync(Random random)
        {
            var order = Enumerable.Range(0, Ids).ToArray();
            random.Shuffle(order);
            for (var at = 0; at < Ids;)
            {
                var batch = order.AsSpan(at, Math.Min(random.Next(1, 400), Ids - at)).ToArray();
                at += batch.Length;
                var body = new StringBuilder();
                foreach (var i in batch)
                    body.Append(System.Globalization.CultureInfo.InvariantCulture, $$"""{"id":"row {{i}}","user_id":"{{users[i % users.Length]}}","model":"m","prompt_tokens":{{i}},"completion_tokens":{{i}}}""").Append('\n');
                for (var times = random.Next(1, 3); times > 0; times--)
                {
                    var answer = await shop.PostAsync(body.ToString(), type: MediaTypes.Lines);
                    Assert.Equal(batch.Length, answer.Took(answer.Inserted, answer.Repeated).Inserted + answer.Repeated);
                }
            }
        }
    }
}
