using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>However much one sender sends, wrong, unfinished or all at once: no other has to bear it.</summary>
public sealed class LoadTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Refused_batches_leave_nothing_behind()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        (await shop.PostAsync(Lines(ann, 2_000), type: MediaTypes.Lines)).Took(2_000, 0);
        long once = 0;
        for (var i = 0; i < 10; i++)
        {
            (await shop.PostAsync(Lines(Guid.NewGuid(), 2_000), type: MediaTypes.Lines)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
            var staged = await Database.ScalarAsync<long>("SELECT sum(pg_relation_size(oid))::bigint FROM pg_class WHERE relname = 'staged_usage_logs'");
            once = i == 0 ? staged : once;
            Assert.InRange(staged, 1, once);
        }
    }

    [Fact]
    public async Task Large_bodies_of_one_key_take_turns_and_hold_up_nothing_else()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:LargeBodiesAtOnce"] = "1" });
        using var shop = await Sender.CreateAsync(site, "shop");
        using var other = await Sender.CreateAsync(site, "other");
        (await shop.PostAsync("[]")).Took(0, 0);
        var lines = Encoding.UTF8.GetBytes(Lines(ann, 1_000));

        using var slow = await RawRequest.BeginAsync(site, shop, lines.Length);
        await slow.SendAsync(lines.AsMemory(0, 100));
        await Eventually.TrueAsync(() => slow.IsTaken, "the site reads the first body");
        var next = shop.PostAsync(lines, type: MediaTypes.Lines);
        (await shop.PostAsync(Lines(ann, 10), type: MediaTypes.Lines)).Took(10, 0);
        (await other.PostAsync(lines, type: MediaTypes.Lines)).Took(1_000, 0);
        Assert.False(next.IsCompleted);

        await slow.SendAsync(lines.AsMemory(100));
        Assert.StartsWith("HTTP/1.1 201", await slow.AnswerAsync(), StringComparison.Ordinal);
        (await next).Took(1_000, 0);
    }

    [Fact]
    public async Task Rows_count_even_if_their_body_is_refused()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:RowsPerSecond"] = "10", ["Ingest:MaxRows"] = "100" });
        using var shop = await Sender.CreateAsync(site, "shop");
        using var other = await Sender.CreateAsync(site, "other");
        (await shop.PostAsync(Lines(ann, 101), type: MediaTypes.Lines)).Refused(HttpStatusCode.RequestEntityTooLarge, "content-too-large");
        (await shop.PostAsync("[]")).Refused(HttpStatusCode.TooManyRequests, "too-many-requests");
        (await other.PostAsync(Lines(ann, 90) + "{", type: MediaTypes.Lines)).Refused(HttpStatusCode.BadRequest, "invalid-json");
        (await other.PostAsync("[]")).Refused(HttpStatusCode.TooManyRequests, "too-many-requests");
    }

    [Fact]
    public async Task A_sender_who_is_gone_before_or_amid_the_reading_of_a_body_is_no_failure_of_the_site()
    {
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:LargeBodiesAtOnce"] = "1" });
        using var shop = await Sender.CreateAsync(site);
        var answered = new ConcurrentBag<object?>();
        using var listener = Meters.ListenTo(site, IngestMetrics.MeterName);
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => answered.Add(tags[1].Value));
        listener.Start();

        using var reading = await RawRequest.BeginAsync(site, shop, length: 20_000);
        await Eventually.TrueAsync(() => reading.IsTaken, "the site reads the first body");
        for (var i = 0; i < 10; i++)
        {
            using var waiting = await RawRequest.BeginAsync(site, shop, length: 20_000);
            await waiting.SendAsync("{"u8.ToArray());
            await Task.Delay(TimeSpan.FromMilliseconds(20), Cancellation);
            waiting.Reset();
        }

        reading.Reset();
        await Eventually.TrueAsync(() => answered.Count == 11, "all have ended");
        Assert.All(answered, status => Assert.Equal(400, status));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task One_wrong_row_among_many_single_ones_takes_few_connections()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        (await shop.PostAsync("[]")).Took(0, 0);
        await using var locked = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await locked.BeginTransactionAsync(Cancellation);
        await using (var hold = locked.CreateCommand())
        {
            hold.CommandText = "LOCK TABLE ingest_ids IN ACCESS EXCLUSIVE MODE";
            await hold.ExecuteNonQueryAsync(Cancellation);
        }

        var answers = Enumerable.Range(0, 400).Select(i => shop.PostAsync($$"""{"id":"{{i}}","user_id":"{{(i % 20 == 7 ? Guid.NewGuid() : ann)}}","model":"m"}""")).ToList();
        await Task.Delay(TimeSpan.FromMilliseconds(500), Cancellation);
        await transaction.RollbackAsync(Cancellation);
        foreach (var (i, answer) in (await Task.WhenAll(answers)).Index())
            Assert.Equal(i % 20 == 7 ? HttpStatusCode.UnprocessableEntity : HttpStatusCode.Created, answer.Status);
        Assert.InRange(await Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite ingest' AND datname = current_database()"), 1, 24);
    }

    [Fact]
    public async Task Keys_that_are_tried_all_at_once_are_looked_up_a_few_at_a_time()
    {
        await using var site = await Site.StartBusyAsync(Database, new() { ["Ingest:UnknownKeysPerSecond"] = "1" });
        var statuses = await Task.WhenAll(Enumerable.Range(0, 300).Select(async _ =>
        {
            using var http = site.ClientOf(cookie: null);
            http.DefaultRequestHeaders.Authorization = new("Bearer", ApiKeys.Create().Key);
            using var content = new StringContent("[]", Encoding.UTF8, MediaTypes.Json);
            using var answer = await http.PostAsync(new Uri("/api/usage-logs", UriKind.Relative), content, Cancellation);
            return answer.StatusCode;
        }));
        Assert.Equal(300, statuses.Count(status => status is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests));
        Assert.InRange(statuses.Count(status => status == HttpStatusCode.Unauthorized), 1, 30); // two, those beside them, and one a second
    }

    private static string Lines(Guid user, int count) => string.Concat(Enumerable.Repeat($$"""{"user_id":"{{user}}","model":"m"}""" + "\n", count));

    /// <summary>A request whose body comes as slowly as the test wants.</summary>
    private sealed class RawRequest : IDisposable
    {
        private readonly TcpClient _connection = new();

        /// <summary>Whether the site has asked for the body: it answers "Expect: 100-continue" when it begins to read.</summary>
        internal bool IsTaken => _connection.Available > 0;

        internal static async Task<RawRequest> BeginAsync(Site site, Sender sender, int length)
        {
            var request = new RawRequest();
            await request._connection.ConnectAsync(IPAddress.Loopback, site.Address.Port, Cancellation);
            var head = string.Create(CultureInfo.InvariantCulture, $"POST /api/usage-logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sender.Key}\r\nContent-Type: {MediaTypes.Lines}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
            await request.SendAsync(Encoding.ASCII.GetBytes(head));
            return request;
        }

        internal async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _connection.GetStream().WriteAsync(bytes, Cancellation);

        /// <summary>Ends the connection as a machine does that is switched off and on.</summary>
        internal void Reset()
        {
            _connection.LingerState = new LingerOption(enable: true, seconds: 0);
            _connection.Close();
        }

        /// <summary>The answer, without that it may send.</summary>
        internal async Task<string> AnswerAsync()
        {
            using var reader = new StreamReader(_connection.GetStream(), Encoding.ASCII);
            return (await reader.ReadToEndAsync(Cancellation)).Replace("HTTP/1.1 100 Continue\r\n\r\n", "", StringComparison.Ordinal);
        }

        public void Dispose() => _connection.Dispose();
    }
}
