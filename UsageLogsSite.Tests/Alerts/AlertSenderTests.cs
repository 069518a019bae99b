using System.Net;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Alerts;
using UsageLogsSite.Tests.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>What is posted, to whom, how often and until when; the clock is the test's, the receiver and the database are real.</summary>
public sealed class AlertSenderTests(PostgresCluster cluster) : RoleTest(cluster)
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2031, 5, 6, 7, 8, 9, TimeSpan.Zero));
    private readonly EphemeralDataProtectionProvider _protection = new();
    private readonly string _secret = WebhookSecret.Make();

    [Fact]
    public async Task A_message_says_what_fired_and_is_signed()
    {
        await using var receiver = await Receiver.StartAsync();
        var rule = await RuleAsync(receiver.Url);
        var ann = await Database.AddUserAsync("Ann");
        var alert = await AlertAsync(rule, ann, 9.5m);
        Assert.Null(await SendAsync());
        var message = Assert.Single(receiver.Messages);
        Assert.True(message.IsSignedWith(_secret));
        Assert.False(message.IsSignedWith(WebhookSecret.Make()));
        Assert.Equal(("/hook", $"{_time.GetUtcNow().ToUnixTimeSeconds()}"), (message.Path, message.Timestamp));
        Assert.Equal(
            $$"""{"type":"alert.fired","id":"{{alert}}","rule":{"id":"{{rule}}","name":"Low — <10>"},"kind":"low-credits","subject":{"user_id":"{{ann}}","users":"external"},"value":9.5,"threshold":10,"fired_at":"2031-05-06T07:08:09Z"}""",
            message.Body);
        Assert.Equal($"{message.Id}|1|204||True", Assert.Single(await DeliveriesAsync()));
        await SendAsync();
        Assert.Single(receiver.Messages);
    }

    [Fact]
    public async Task A_receiver_that_fails_twice_gets_the_same_message_thrice_under_one_id()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, count) =>
        {
            http.Response.StatusCode = count < 3 ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return http.Response.WriteAsync("secret things of the receiver");
        };
        await AlertAsync(await RuleAsync(receiver.Url), null, 1);
        while (await SendAsync() is { } next)
            _time.Advance(next - _time.GetUtcNow().UtcDateTime);
        Assert.Equal(3, receiver.Messages.Count);
        Assert.Single(receiver.Messages.Select(m => (m.Id, m.Body)).Distinct());
        Assert.Equal(3, receiver.Messages.Select(m => m.Timestamp).Distinct().Count());
        Assert.All(receiver.Messages, m => Assert.True(m.IsSignedWith(_secret)));
        Assert.EndsWith("|3|200||True", Assert.Single(await DeliveriesAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receiver_that_is_down_is_tried_ever_more_rarely_for_a_day_and_then_given_up()
    {
        await using var receiver = await Receiver.StartAsync();
        var url = receiver.Url;
        await receiver.DisposeAsync(); // nobody listens there any more
        await AlertAsync(await RuleAsync(url), null, 1);
        var start = _time.GetUtcNow();
        List<TimeSpan> waits = [];
        while (await SendAsync() is { } next)
        {
            waits.Add(next - _time.GetUtcNow().UtcDateTime);
            _time.Advance(waits[^1]);
        }

        Assert.InRange(_time.GetUtcNow() - start, TimeSpan.FromHours(21), AlertSender.Patience);
        for (var i = 0; i < waits.Count; i++)
        {
            var usual = TimeSpan.FromSeconds(Math.Min(7_200, 5 * Math.Pow(2, i)));
            Assert.InRange(waits[i], usual * 0.79, usual * 1.21);
        }

        Assert.Equal($"{waits.Count + 1}||It accepts no connection.|False", Assert.Single(await DeliveriesAsync())[37..]);
        _time.Advance(AlertSender.Patience);
        Assert.Null(await SendAsync());
    }

    [Fact]
    public async Task A_receiver_that_never_answers_is_left_after_ten_seconds_and_a_redirect_is_not_followed()
    {
        await using var other = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = async (http, count) =>
        {
            if (count == 1)
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else
                http.Response.Redirect(other.Url, permanent: true, preserveMethod: true);
        };
        await AlertAsync(await RuleAsync(receiver.Url), null, 1);
        var sending = SendAsync();
        await Eventually.TrueAsync(() => receiver.Messages.Count == 1, "the message has come");
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(sending.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        var next = await sending;
        Assert.EndsWith("|1||No answer within 10 seconds.|False", Assert.Single(await DeliveriesAsync()), StringComparison.Ordinal);
        _time.Advance(next!.Value - _time.GetUtcNow().UtcDateTime);
        await SendAsync();
        Assert.EndsWith("|2|308|It answered 308.|False", Assert.Single(await DeliveriesAsync()), StringComparison.Ordinal);
        Assert.Empty(other.Messages);
    }

    [Fact]
    public async Task A_receiver_that_lets_many_messages_wait_keeps_no_other_waiting()
    {
        var released = new TaskCompletionSource();
        await using var slow = await Receiver.StartAsync();
        slow.Answer = (_, _) => released.Task;
        var slowRule = await RuleAsync(slow.Url);
        for (var i = 0; i < 30; i++)
            await AlertAsync(slowRule, Guid.NewGuid(), i);
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var other = await Receiver.StartAsync();
        await AlertAsync(await RuleAsync(other.Url), null, 1);
        var sending = SendAsync();
        await Eventually.TrueAsync(() => other.Messages.Count == 1, "the other one's message has come"); // the clock stands: nothing is given up
        released.SetResult();
        Assert.Null(await sending);
        Assert.Equal(30, slow.Messages.Select(m => m.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_receiver_that_is_gone_for_good_is_not_tried_again()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = StatusCodes.Status410Gone;
            return Task.CompletedTask;
        };
        await AlertAsync(await RuleAsync(receiver.Url), null, 1);
        Assert.Null(await SendAsync());
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    public async Task Nothing_is_posted_into_the_sites_own_network_unless_that_is_allowed(string address)
    {
        await using var receiver = await Receiver.StartAsync();
        var url = string.Format(null, address, new Uri(receiver.Url).Port);
        await AlertAsync(await RuleAsync(url), null, 1);
        Assert.NotNull(await SendAsync(allowsPrivate: false));
        Assert.Empty(receiver.Messages);
        Assert.Contains("is a private address, and Alerts:AllowPrivateAddresses is not set.", Assert.Single(await DeliveriesAsync()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.16.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:a00:1::", false)]
    [InlineData("2001:0:4136:e378::", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    public void Addresses_that_lead_inside_are_told_from_public_ones(string address, bool isPublic) =>
        Assert.Equal(isPublic, PublicAddress.Is(IPAddress.Parse(address)));

    [Fact]
    public async Task Two_senders_at_once_post_each_message_once_and_one_that_died_over_it_is_followed_after_a_minute()
    {
        await using var receiver = await Receiver.StartAsync();
        var rule = await RuleAsync(receiver.Url);
        for (var i = 0; i < 20; i++)
            await AlertAsync(rule, Guid.NewGuid(), i);
        await Task.WhenAll(SendAsync(), SendAsync());
        Assert.Equal(20, receiver.Messages.Select(m => m.Id).Distinct().Count());
        Assert.Equal(20, receiver.Messages.Count);

        await AlertAsync(rule, null, 1);
        await Database.ExecuteAsync( // claimed, and never heard of again
            "UPDATE alert_deliveries SET attempts = 1, next_attempt_at = $1 WHERE delivered_at IS NULL", _time.GetUtcNow().UtcDateTime.AddMinutes(1));
        Assert.NotNull(await SendAsync());
        Assert.Equal(20, receiver.Messages.Count);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await SendAsync());
        Assert.Equal(21, receiver.Messages.Count);
    }

    [Fact]
    public async Task The_secret_is_stored_encrypted_and_where_its_keys_are_gone_the_delivery_says_so()
    {
        await using var receiver = await Receiver.StartAsync();
        var rule = await RuleAsync(receiver.Url);
        Assert.DoesNotContain(_secret[10..], await Database.ScalarAsync<string>("SELECT webhook_secret FROM alert_rules"), StringComparison.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(_secret["whsec_".Length..]).Length);
        await AlertAsync(rule, null, 1);
        Assert.Null(await SendAsync(protection: new EphemeralDataProtectionProvider()));
        Assert.Empty(receiver.Messages);
        Assert.Contains("make the rule anew", Assert.Single(await DeliveriesAsync()), StringComparison.Ordinal);
    }

    private async Task<DateTime?> SendAsync(bool allowsPrivate = true, IDataProtectionProvider? protection = null)
    {
        var options = Options.Create(new AlertOptions { AllowPrivateAddresses = allowsPrivate });
        using var webhooks = new WebhookClient(options, _time);
        var sender = new AlertSender(
            Databases, new Contexts(Databases), webhooks, protection ?? _protection, new AlertSignals(options, _time), _time,
            new AlertMetrics(Meters.Unread), NullLogger<AlertSender>.Instance);
        return await sender.SendDueAsync(Cancellation);
    }

    private Task<Guid> RuleAsync(string url) => Database.ScalarAsync<Guid>(
        "INSERT INTO alert_rules (name, kind, threshold, user_type, webhook_url, webhook_secret, is_enabled) VALUES ('Low — <10>', 'low-credits', 10, 'external', $1, $2, true) RETURNING id",
        url, WebhookSecret.Protect(_protection, _secret));

    private async Task<Guid> AlertAsync(Guid rule, Guid? user, decimal value)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var alert = await Database.ScalarAsync<Guid>(
            "INSERT INTO alerts (rule_id, user_id, value, fired_at, is_known) VALUES ($1, nullif($2, '')::uuid, $3, $4, false) RETURNING id", rule, user?.ToString() ?? "", value, now);
        await Database.ExecuteAsync("INSERT INTO alert_deliveries (rule_id, alert_id, created_at, next_attempt_at) VALUES ($1, $2, $3, $3)", rule, alert, now);
        return alert;
    }

    private Task<List<string>> DeliveriesAsync() =>
        Database.RowsAsync("SELECT id, attempts, last_status, problem, delivered_at IS NOT NULL FROM alert_deliveries ORDER BY created_at");
}
