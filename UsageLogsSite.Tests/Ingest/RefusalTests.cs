using System.Net;
using System.Net.Http.Headers;
using System.Text;
using UsageLogsSite.Data;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>Whatever is sent, its sender learns what was wrong with it and what would be right, and nothing of it is stored.</summary>
public sealed class RefusalTests(PostgresCluster cluster) : SiteTest(cluster)
{
    /// <summary>A row with <c>USER</c> for a user's id, the field that is wrong with it, and part of what is allowed there.</summary>
    private static readonly (string Row, string Field, string Allowed)[] WrongRows =
    [
        ("""{"model":"m"}""", "user_id", "UUID"),
        ("""{"user_id":null,"model":"m"}""", "user_id", "UUID"),
        ("""{"user_id":"ann","model":"m"}""", "user_id", "UUID"),
        ("""{"user_id":{},"model":"m"}""", "user_id", "UUID"),
        ("""{"user_id":"USER"}""", "model", "1 to 200"),
        ("""{"user_id":"USER","model":null}""", "model", "1 to 200"),
        ("""{"user_id":"USER","model":""}""", "model", "1 to 200"),
        ("""{"user_id":"USER","model":"a\u0000b"}""", "model", "NUL"),
        ("""{"user_id":"USER","model":"\ud800"}""", "model", "1 to 200"),
        ("""{"user_id":"USER","model":["m"]}""", "model", "1 to 200"),
        ($$"""{"user_id":"USER","model":"{{new string('x', 201)}}"}""", "model", "1 to 200"),
        ("""{"user_id":"USER","model":"m","prompt_tokens":-1}""", "prompt_tokens", "0 to 2147483647"),
        ("""{"user_id":"USER","model":"m","prompt_tokens":1.5}""", "prompt_tokens", "0 to 2147483647"),
        ("""{"user_id":"USER","model":"m","prompt_tokens":2147483648}""", "prompt_tokens", "0 to 2147483647"),
        ("""{"user_id":"USER","model":"m","prompt_tokens":"12"}""", "prompt_tokens", "0 to 2147483647"),
        ("""{"user_id":"USER","model":"m","completion_tokens":true}""", "completion_tokens", "0 to 2147483647"),
        ("""{"user_id":"USER","model":"m","cost_usd":-0.01}""", "cost_usd", "less than 10000000000"),
        ("""{"user_id":"USER","model":"m","cost_usd":1e400}""", "cost_usd", "less than 10000000000"),
        ("""{"user_id":"USER","model":"m","cost_usd":10000000000}""", "cost_usd", "less than 10000000000"),
        ("""{"user_id":"USER","model":"m","cost_usd":9999999999.99999999999}""", "cost_usd", "less than 10000000000"),
        ("""{"user_id":"USER","model":"m","cost_usd":"NaN"}""", "cost_usd", "less than 10000000000"),
        ("""{"user_id":"USER","model":"m","status":"maybe"}""", "status", "\"succeeded\" or \"failed\""),
        ("""{"user_id":"USER","model":"m","status":"Failed"}""", "status", "\"succeeded\" or \"failed\""),
        ("""{"user_id":"USER","model":"m","created_at":"2026-11-24T09:30:00"}""", "created_at", "offset"),
        ("""{"user_id":"USER","model":"m","created_at":"yesterday"}""", "created_at", "offset"),
        ("""{"user_id":"USER","model":"m","created_at":1764000000}""", "created_at", "offset"),
        ("""{"user_id":"USER","model":"m","created_at":"9999-12-31T23:59:59-14:00"}""", "created_at", "offset"),
        ("""{"user_id":"USER","model":"m","created_at":"1969-12-31T23:59:59Z"}""", "created_at", "from 1970"),
        ("""{"user_id":"USER","model":"m","created_at":"2199-01-01T00:00:00Z"}""", "created_at", "a day from now"),
        ("""{"user_id":"USER","model":"m","id":""}""", "id", "1 to 100"),
        ("""{"user_id":"USER","model":"m","id":7}""", "id", "1 to 100"),
        ("""{"user_id":"USER","model":"m","colour":{"r":[1,2]}}""", "colour", "prompt_tokens"),
        ("""{"user_id":"USER","model":"m","\ud800":1}""", "\uFFFD", "prompt_tokens"),
        ("""{"user_id":"USER","model":"m","User_Id":1}""", "User_Id", "prompt_tokens"),
        ("""{"user_id":"USER","model":"m","model":"n"}""", "model", "once"),
        ("""{"user_id":"USER","model":"m","user_id":"USER"}""", "user_id", "once"),
    ];

    /// <summary>A body that is not the JSON it should be, and the line of it that says so.</summary>
    private static readonly (string Body, string Type, int Line)[] NoJson =
    [
        ("", MediaTypes.Json, 1),
        ("{", MediaTypes.Json, 1),
        ("hello", MediaTypes.Json, 1),
        ("[{\"model\":\"m\"}\n,]", MediaTypes.Json, 2),
        ("{\"model\":\"m\"}\n{\"model\":\"m\"}", MediaTypes.Json, 2),
        ("[]\n\n]", MediaTypes.Json, 3),
        ("{\"cost_usd\":NaN}", MediaTypes.Json, 1),
        ("{\"cost_usd\":Infinity}", MediaTypes.Json, 1),
        ("{\"cost_usd\":01}", MediaTypes.Json, 1),
        ("{'model':'m'}", MediaTypes.Json, 1),
        ("{\"model\":\"a\nb\"}", MediaTypes.Json, 1),
        ("// a comment\n{}", MediaTypes.Json, 1),
        ("{\"model\":\"m\"}\n{\"model\":\n", MediaTypes.Lines, 3),
        ("{\"model\":\"m\"}\nhello", MediaTypes.Lines, 2),
    ];

    [Fact]
    public async Task A_row_that_is_not_allowed_is_told_by_its_field()
    {
        var (ann, site, shop) = await StartAsync();
        await using (site)
        using (shop)
        {
            var good = $$"""{"user_id":"{{ann}}","model":"m"}""";
            await Assert.AllAsync(WrongRows, async wrong =>
            {
                var row = wrong.Row.Replace("USER", ann.ToString(), StringComparison.Ordinal);
                foreach (var (body, type, index) in new[] { (row, MediaTypes.Json, 0), ($"[{good},{row}]", MediaTypes.Json, 1), ($"{good}\n{row}", MediaTypes.Lines, 1) })
                {
                    var error = Assert.Single((await shop.PostAsync(body, type: type)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows").Errors);
                    Assert.Equal((index, type == MediaTypes.Lines ? 2 : 1, wrong.Field), (error.GetProperty("index").GetInt32(), error.GetProperty("line").GetInt32(), error.GetProperty("field").GetString()));
                    Assert.Contains(wrong.Allowed, error.GetProperty("allowed").GetString(), StringComparison.Ordinal);
                }

                await AssertNothingAsync(site);
            });
        }
    }

    [Fact]
    public async Task A_body_that_is_no_json_is_told_by_its_line()
    {
        var (_, site, shop) = await StartAsync();
        await using (site)
        using (shop)
        {
            await Assert.AllAsync(NoJson, async wrong =>
            {
                var refused = (await shop.PostAsync(wrong.Body, type: wrong.Type)).Refused(HttpStatusCode.BadRequest, "invalid-json");
                Assert.Equal(wrong.Line, refused.Json.GetProperty("line").GetInt32());
                await AssertNothingAsync(site);
            });
        }
    }

    [Fact]
    public async Task Bytes_at_random_are_refused_or_taken_and_never_our_failure()
    {
        var (ann, site, shop) = await StartAsync();
        await using (site)
        using (shop)
        {
            var random = new Random(8);
            var good = Encoding.UTF8.GetBytes($$"""[{"id":"é","user_id":"{{ann}}","model":"m😀","prompt_tokens":12,"cost_usd":0.5,"created_at":"2026-11-01T00:00:00Z"},{"user_id":"{{ann}}","model":"m"}]""");
            for (var i = 0; i < 600; i++)
            {
                var body = good.ToArray();
                for (var change = random.Next(1, 5); change > 0; change--)
                {
                    var at = random.Next(body.Length);
                    body[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => (byte)"[]{}\",:\\0-eE"[random.Next(12)], _ => body[random.Next(body.Length)] };
                }

                var answer = await shop.PostAsync(random.Next(4) == 0 ? body[..random.Next(body.Length)] : body, type: random.Next(3) == 0 ? MediaTypes.Lines : MediaTypes.Json);
                Assert.True((int)answer.Status is 200 or 201 or 400 or 409 or 422, $"{answer.Status}: {answer.Body}\n{Encoding.UTF8.GetString(body)}");
            }

            // Nested as deep as can be sent; bytes that are no UTF-8 where a text is, and where a name is.
            foreach (var body in new[] { new string('[', 10_000), string.Concat(Enumerable.Repeat("{\"a\":", 5_000)), $"[{new string('1', 15_000)}]", "{\"id\":\"" + new string('x', 20_000) })
                Assert.True((int)(await shop.PostAsync(body)).Status is 400 or 413 or 422, body[..20]);
            foreach (var body in new[] { "{\"model\":\"\xFF\"}", "{\"\xFF\":1}" })
                (await shop.PostAsync(Encoding.Latin1.GetBytes(body))).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
            Assert.Empty(site.Logs.Errors);
        }
    }

    [Fact]
    public async Task What_is_too_large_or_of_another_type_is_refused()
    {
        var (ann, site, shop) = await StartAsync(new() { ["Ingest:MaxBodyBytes"] = "100000", ["Ingest:MaxRows"] = "10" });
        await using (site)
        using (shop)
        {
            var row = $$"""{"user_id":"{{ann}}","model":"m"}""";
            (await shop.PostAsync($"[{string.Join(',', Enumerable.Repeat(row, 11))}]")).Refused(HttpStatusCode.RequestEntityTooLarge, "content-too-large");
            (await shop.PostAsync(new string(' ', 100_001))).Refused(HttpStatusCode.RequestEntityTooLarge, "content-too-large");
            (await shop.PostAsync($"{{\"model\":\"{new string('x', 50_000)}\"}}")).Refused(HttpStatusCode.RequestEntityTooLarge, "content-too-large");
            foreach (var type in new[] { "text/plain", "application/json; charset=latin1", "application/xml" })
            {
                var refused = (await shop.PostAsync(row, type: type)).Refused(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
                Assert.Equal("application/json, application/x-ndjson", string.Join(", ", refused.Headers.GetValues("Accept-Post")));
            }

            using var packed = new HttpRequestMessage(HttpMethod.Post, "/api/usage-logs") { Content = new StringContent(row, Encoding.UTF8, MediaTypes.Json) };
            packed.Content.Headers.ContentEncoding.Add("gzip");
            (await shop.SendAsync(packed)).Refused(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
            await AssertNothingAsync(site);
            (await shop.PostAsync(row, type: "Application/JSON; charset=UTF-8")).Took(1, 0);
        }
    }

    [Fact]
    public async Task What_the_database_cannot_hold_is_refused_with_its_words_and_not_to_be_sent_again()
    {
        await using var narrow = await Cluster.CreateEmptyDatabaseAsync("ENCODING 'LATIN1' LOCALE 'C'");
        await narrow.MigrateAsync();
        var ann = await narrow.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(narrow);
        using var shop = await Sender.CreateAsync(site);
        var (row, good) = ($$"""{"user_id":"{{ann}}","model":"m😀"}""", $$"""{"user_id":"{{ann}}","model":"é"}""");
        foreach (var body in new[] { row, $"[{good},{row}]" })
            Assert.Contains("LATIN1", (await shop.PostAsync(body)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows").Body, StringComparison.Ordinal);
        (await shop.PostAsync(good)).Took(1, 0);
        Assert.Equal(["é"], await narrow.RowsAsync("SELECT model FROM usage_logs"));
    }

    [Fact]
    public async Task Only_a_key_with_the_scope_writes_and_no_session_does()
    {
        var (ann, site, shop) = await StartAsync();
        await using (site)
        using (shop)
        using (var purchases = await Sender.CreateAsync(site, "shop", "credit-purchases:write"))
        {
            var row = $$"""{"user_id":"{{ann}}","model":"m"}""";
            var refused = (await purchases.PostAsync(row)).Refused(HttpStatusCode.Forbidden, "insufficient-scope");
            Assert.Equal("Bearer error=\"insufficient_scope\", scope=\"usage-logs:write\"", refused.Headers.WwwAuthenticate.ToString());

            using var nobody = new HttpClient { BaseAddress = site.Address };
            foreach (var (header, value) in new[]
            {
                ("Cookie", site.Cookie), ("Cookie", await site.SignInAsync(AccountRole.Member, ann)), ("Authorization", "Basic " + shop.Key), ("Authorization", "Bearer"),
                ("Authorization", $"Bearer {shop.Key}x"), ("Authorization", "Bearer " + shop.Key.ToUpperInvariant()), ("Authorization", $"Bearer {ApiKeys.Create().Key}"),
            })
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/api/usage-logs") { Content = new StringContent(row, Encoding.UTF8, MediaTypes.Json) };
                request.Headers.TryAddWithoutValidation(header, value);
                using var response = await nobody.SendAsync(request, Cancellation);
                var answer = (await Answer.OfAsync(response)).Refused(HttpStatusCode.Unauthorized, "unauthorized");
                Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
                Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
            }

            // And the key opens no page.
            foreach (var page in new[] { "/usage", "/usage/table", "/admin/keys", "/account" })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, page);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", shop.Key);
                Assert.True((await shop.SendAsync(request)).Status is HttpStatusCode.Redirect or HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, page);
            }

            await AssertNothingAsync(site);
        }
    }

    private async Task<(Guid User, Site Site, Sender Shop)> StartAsync(Dictionary<string, string>? settings = null)
    {
        var ann = await Database.AddUserAsync("Ann");
        var site = await Site.StartBusyAsync(Database, settings);
        return (ann, site, await Sender.CreateAsync(site));
    }

    private async Task AssertNothingAsync(Site site)
    {
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM usage_logs) + (SELECT count(*) FROM ingest_ids)"));
        Assert.Empty(site.Logs.Errors);
    }
}
