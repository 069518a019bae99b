using System.Net;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using UsageLogsSite.Ingest;
using UsageLogsSite.Retention;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>A request that is sent again is carried out once, whatever became of the first answer.</summary>
public sealed class IdempotencyTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Replayed = "Idempotency-Replayed";

    [Fact]
    public async Task The_same_key_and_body_get_the_same_answer_and_another_body_none()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var body = $$"""{"user_id":"{{ann}}","amount_usd":5}""";
        const string Address = "/api/credit-purchases";
        var first = (await shop.PostAsync(body, Address, idempotencyKey: "order 1")).Took(1, 0);
        Assert.False(first.Headers.Contains(Replayed));
        var again = (await shop.PostAsync(body, Address, idempotencyKey: "order 1")).Took(1, 0);
        Assert.Equal((first.Status, first.Body, "true"), (again.Status, again.Body, again.Headers.GetValues(Replayed).Single()));

        (await shop.PostAsync(body + " ", Address, idempotencyKey: "order 1")).Refused(HttpStatusCode.Conflict, "idempotency-key-reused");
        (await shop.PostAsync($$"""{"user_id":"{{ann}}","model":"m"}""", idempotencyKey: "order 1")).Refused(HttpStatusCode.Conflict, "idempotency-key-reused");
        (await shop.PostAsync(body, Address, idempotencyKey: "order 2")).Took(1, 0);

        // What was refused is not remembered: it may be put right.
        (await shop.PostAsync(body.Replace("5", "-5", StringComparison.Ordinal).Replace(ann.ToString(), Guid.Empty.ToString(), StringComparison.Ordinal), Address, idempotencyKey: "order 3"))
            .Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
        (await shop.PostAsync(body.Replace(ann.ToString(), Guid.Empty.ToString(), StringComparison.Ordinal), Address, idempotencyKey: "order 3"))
            .Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
        (await shop.PostAsync(body, Address, idempotencyKey: "order 3")).Took(1, 0);
        foreach (var wrong in new[] { "", new string('x', 256) })
            (await shop.PostAsync(body, Address, idempotencyKey: wrong)).Refused(HttpStatusCode.BadRequest, "invalid-request");
        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM credit_purchases"));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task Of_many_at_once_one_is_carried_out_and_all_are_answered_alike()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        await using var second = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site, "shop");
        using var shopToo = await Sender.CreateAsync(second, "shop");
        for (var round = 0; round < 10; round++)
        {
            var body = string.Concat(Enumerable.Range(0, 20).Select(i => $$"""{"user_id":"{{ann}}","model":"m","prompt_tokens":{{i}}}""" + "\n"));
            var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? shop : shopToo).PostAsync(body, type: MediaTypes.Lines, idempotencyKey: $"round {round}")));
            Assert.All(answers, answer => answer.Took(20, 0));
            Assert.Equal(1, answers.Count(answer => !answer.Headers.Contains(Replayed)));
        }

        Assert.Equal(200L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
    }

    [Fact]
    public async Task An_answer_that_got_lost_after_the_commit_costs_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var random = new Random(3);
        for (var i = 0; i < 40; i++)
        {
            var row = $$"""{"id":"{{i}}","user_id":"{{ann}}","model":"m"}""";

            // The sender gives up at any moment: before, while or after it is stored.
            using var impatient = new HttpClient { BaseAddress = site.Address, Timeout = TimeSpan.FromMilliseconds(random.Next(1, 15)) };
            impatient.DefaultRequestHeaders.Authorization = new("Bearer", shop.Key);
            try
            {
                using var content = new StringContent(row, System.Text.Encoding.UTF8, MediaTypes.Json);
                using var lost = await impatient.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), content, Cancellation);
            }
            catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
            {
                // As it was meant.
            }

            var answer = await shop.PostAsync(row);
            Assert.Equal(1, answer.Took(answer.Inserted, answer.Repeated).Inserted + answer.Repeated);
        }

        Assert.Equal(40L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_killed_connection_is_told_and_the_repetition_is_one_row()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var batch = string.Concat(Enumerable.Range(0, 500).Select(i => $$"""{"id":"{{i}}","user_id":"{{ann}}","model":"m"}""" + "\n"));
        using var stop = new CancellationTokenSource();
        var killing = KillAsync(stop.Token);
        for (var i = 0; i < 15; i++)
        {
            var answer = await shop.PostAsync(batch, type: MediaTypes.Lines);
            if (answer.Status == HttpStatusCode.ServiceUnavailable)
                Assert.True(answer.Refused(HttpStatusCode.ServiceUnavailable, "unavailable").Headers.RetryAfter?.Delta > TimeSpan.Zero);
            else
                Assert.Equal(500, answer.Took(answer.Inserted, answer.Repeated).Inserted + answer.Repeated);
        }

        await stop.CancelAsync();
        await killing;
        await Eventually.TrueAsync(async () => (await shop.PostAsync(batch, type: MediaTypes.Lines)).Status != HttpStatusCode.ServiceUnavailable, "the batch is taken");
        Assert.Equal(500L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));

        async Task KillAsync(CancellationToken ended)
        {
            while (!ended.IsCancellationRequested)
                await Database.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite ingest'");
        }
    }

    [Fact]
    public async Task A_database_that_is_away_is_told_with_the_time_to_wait()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var row = $$"""{"id":"1","user_id":"{{ann}}","model":"m"}""";
        await Database.ShutAsync();
        var refused = (await shop.PostAsync(row)).Refused(HttpStatusCode.ServiceUnavailable, "unavailable");
        Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        await Database.OpenAsync();
        await Eventually.TrueAsync(async () => (await shop.PostAsync(row)).Status is HttpStatusCode.Created or HttpStatusCode.OK, "rows are taken again");
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
    }

    [Fact]
    public async Task What_is_old_is_forgotten_and_a_row_with_its_time_is_one_all_the_same()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var row = $$"""{"id":"1","user_id":"{{ann}}","model":"m","created_at":"2026-11-01T00:00:00Z"}""";
        (await shop.PostAsync(row, idempotencyKey: "k")).Took(1, 0);
        await using var rollup = NpgsqlDataSource.Create(Database.ConnectionString);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(47));
        var retention = new IngestRetention(rollup, time);
        Assert.Equal(0, await ForgetAsync());
        time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, await ForgetAsync());
        Assert.False((await shop.PostAsync(row, idempotencyKey: "k")).Took(0, 1).Headers.Contains(Replayed));
        time.Advance(TimeSpan.FromDays(400));
        Assert.Equal(2, await ForgetAsync());
        (await shop.PostAsync(row)).Took(0, 1);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));

        async Task<long> ForgetAsync() => await retention.ForgetAsync(new IngestOptions().RememberIds, new IngestOptions().RememberRequests, Cancellation);
    }
}
