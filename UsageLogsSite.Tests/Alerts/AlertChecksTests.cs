using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Alerts;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>Each kind of rule on a real database: when it fires, when it clears, and that it fires once.</summary>
public sealed class AlertChecksTests(PostgresCluster cluster) : RoleTest(cluster)
{
    /// <summary>In the middle of an hour, in a month that has a partition.</summary>
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(DateTime.UtcNow.Date, TimeSpan.Zero).AddHours(-11.5));

    private AlertChecks _checks = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Database.ExecuteAsync("UPDATE rollup_state SET time_zone = 'UTC'");
        _checks = Checks();
    }

    [Fact]
    public async Task Cost_per_hour_fires_once_in_an_hour_of_the_clock_and_again_in_a_later_one()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob", "internal"));
        await RuleAsync("cost-per-hour", 10);
        await RuleAsync("cost-per-hour", 10, type: "internal");
        await RuleAsync("cost-per-hour", 10, user: ann);
        await LogAsync(ann, 9.99m);
        await CheckAsync();
        Assert.Empty(await AlertsAsync());
        await LogAsync(bob, 0.01m);
        await CheckAsync();
        await CheckAsync();
        Assert.Equal(["cost-per-hour|all||10|open"], await AlertsAsync());
        await LogAsync(ann, 1);
        await LogAsync(bob, 12);
        await CheckAsync();
        Assert.Equal(["cost-per-hour|all||10|open", "cost-per-hour|internal||12.01|open", "cost-per-hour|user|Ann|10.99|open"], await AlertsAsync());

        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.False(await CheckAsync());
        Assert.All(await AlertsAsync(), alert => Assert.EndsWith("cleared", alert, StringComparison.Ordinal));
        await LogAsync(ann, 10);
        Assert.True(await CheckAsync()); // what ends by time is looked at again
        Assert.Equal(2, (await AlertsAsync()).Count(a => a.EndsWith("open", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Failures_are_those_of_the_last_sixty_minutes()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob", "internal"));
        await RuleAsync("failures", 2);
        await RuleAsync("failures", 2, type: "external");
        await RuleAsync("failures", 1, user: bob);
        await LogAsync(ann, failed: true);
        await CheckAsync();
        Assert.Empty(await AlertsAsync());
        _time.Advance(TimeSpan.FromMinutes(40)); // past the hour of the clock
        await LogAsync(bob, failed: true);
        await LogAsync(bob);
        await CheckAsync();
        Assert.Equal(["failures|all||2|open", "failures|user|Bob|1|open"], await AlertsAsync());
        await LogAsync(ann, failed: true);
        await CheckAsync();
        Assert.Equal("failures|external||2|open", (await AlertsAsync())[1]);

        _time.Advance(TimeSpan.FromMinutes(20)); // the first is an hour old
        await CheckAsync();
        Assert.Equal(["failures|all||2|open", "failures|external||2|cleared", "failures|user|Bob|1|open"], await AlertsAsync());
        _time.Advance(TimeSpan.FromMinutes(40));
        await CheckAsync();
        Assert.All(await AlertsAsync(), alert => Assert.EndsWith("cleared", alert, StringComparison.Ordinal));
        await LogAsync(bob, failed: true);
        await CheckAsync();
        Assert.Equal(2, (await AlertsAsync()).Count(alert => alert.StartsWith("failures|user|Bob", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_ended_long_ago_goes_though_nobody_changes_a_rule()
    {
        var rule = await RuleAsync("failures", 2);
        await CheckAsync();
        await Database.ExecuteAsync(
            "INSERT INTO alerts (rule_id, value, fired_at, cleared_at, is_known) SELECT $1, i, t, t, false FROM (VALUES (1, $2::timestamptz - interval '91 days'), (2, $2 - interval '88 days')) a (i, t)",
            rule, _time.GetUtcNow().UtcDateTime);
        await CheckAsync();
        Assert.Equal(2, (await AlertsAsync()).Count);
        _time.Advance(TimeSpan.FromHours(25));
        await CheckAsync();
        Assert.Equal(["failures|all||2|cleared"], await AlertsAsync());
    }

    [Fact]
    public async Task A_share_of_failures_needs_some_responses_and_is_of_those_of_the_last_sixty_minutes()
    {
        var ann = await Database.AddUserAsync("Ann");
        await RuleAsync("failure-share", 50);
        await RuleAsync("failure-share", 50, user: ann);
        for (var i = 0; i < AlertCondition.FewestResponses - 1; i++)
            await LogAsync(ann, failed: i % 2 == 0);
        await CheckAsync();
        Assert.Empty(await AlertsAsync());
        await LogAsync(ann, failed: true);
        await CheckAsync();
        Assert.Equal(["failure-share|all||60|open", "failure-share|user|Ann|60|open"], await AlertsAsync());
        for (var i = 0; i < 3; i++)
            await LogAsync(ann);
        await CheckAsync();
        Assert.All(await AlertsAsync(), alert => Assert.EndsWith("cleared", alert, StringComparison.Ordinal));

        // Half of the former hour of the clock is still in the last 60 minutes: 13 / 2 responses, and 3 of this hour, are too few.
        _time.Advance(TimeSpan.FromMinutes(60));
        for (var i = 0; i < 3; i++)
            await LogAsync(ann, failed: true);
        await CheckAsync();
        Assert.Equal(2, (await AlertsAsync()).Count);
        for (var i = 0; i < 7; i++)
            await LogAsync(ann, failed: true);
        await CheckAsync();
        Assert.Equal(2, (await AlertsAsync()).Count(alert => alert.EndsWith("open", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Low_credits_fire_for_each_user_who_comes_below_and_again_after_they_bought()
    {
        var (ann, bob, never) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"), await Database.AddUserAsync("Cleo"));
        foreach (var user in new[] { ann, bob })
            await Database.AddPurchaseAsync(user, 1, "completed"); // 100 credits
        await UseAsync(bob, 95);
        await UseAsync(never, 5);
        var rule = await RuleAsync("low-credits", 10); // Bob is below: no news
        await RuleAsync("low-credits", 10, type: "internal");
        await RuleAsync("low-credits", 10, user: ann);
        await CheckAsync();
        Assert.Empty(await AlertsAsync());
        await UseAsync(ann, 90);
        await CheckAsync();
        Assert.Empty(await AlertsAsync()); // ten are not below ten
        await UseAsync(ann, 0.5m);
        await CheckAsync();
        await CheckAsync();
        Assert.Equal(["low-credits|all|Ann|9.5|open", "low-credits|user|Ann|9.5|open"], await AlertsAsync());

        foreach (var user in new[] { ann, bob })
            await Database.AddPurchaseAsync(user, 1, "completed");
        await CheckAsync();
        Assert.Equal(["low-credits|all|Ann|9.5|cleared", "low-credits|user|Ann|9.5|cleared"], await AlertsAsync());
        await UseAsync(ann, 100);
        await UseAsync(bob, 100);
        await CheckAsync();
        Assert.Equal(2, await OpenAsync(rule));
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await Database.ExecuteAsync("DELETE FROM credit_purchases");
        await Database.ExecuteAsync("DELETE FROM users WHERE id = $1", bob);
        await CheckAsync();
        Assert.Equal(0, await OpenAsync(rule)); // those who are gone too
    }

    [Fact]
    public async Task A_first_payment_fires_once_and_again_only_after_it_was_taken_back()
    {
        var (ann, bob, cleo) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"), await Database.AddUserAsync("Cleo", "internal"));
        await Database.AddPurchaseAsync(bob, 5, "completed");
        await FoldAsync();
        await RuleAsync("first-payment", 0, type: "external");
        await RuleAsync("first-payment", 0, user: ann);
        var purchase = await Database.AddPurchaseAsync(ann, 20, "pending");
        await Database.AddPurchaseAsync(bob, 5, "completed");
        await Database.AddPurchaseAsync(cleo, 5, "completed");
        await CheckAsync();
        Assert.Empty(await AlertsAsync());
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'completed' WHERE id = $1", purchase);
        await CheckAsync();
        await Database.AddPurchaseAsync(ann, 20, "completed");
        await CheckAsync();
        Assert.Equal(["first-payment|external|Ann|20|open", "first-payment|user|Ann|20|open"], await AlertsAsync());
        await Database.ExecuteAsync("UPDATE credit_purchases SET status = 'refunded' WHERE user_id = $1", ann);
        await CheckAsync();
        Assert.All(await AlertsAsync(), alert => Assert.EndsWith("cleared", alert, StringComparison.Ordinal));
        await Database.AddPurchaseAsync(ann, 7, "completed");
        await CheckAsync();
        Assert.Equal(4, (await AlertsAsync()).Count);
    }

    [Fact]
    public async Task Many_who_look_at_once_fire_one_alert_and_queue_one_delivery_each()
    {
        var users = new List<Guid>();
        await RuleAsync("first-payment", 0, webhook: "https://hooks.example/a");
        for (var i = 0; i < 30; i++)
            users.Add(await Database.AddUserAsync($"User {i}"));
        foreach (var user in users)
            await Database.AddPurchaseAsync(user, 1, "completed");
        await FoldAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Checks().CheckAsync(Cancellation))));
        Assert.Equal((30L, 30L), (await Database.ScalarAsync<long>("SELECT count(*) FROM alerts"), await Database.ScalarAsync<long>("SELECT count(DISTINCT alert_id) FROM alert_deliveries")));
        Assert.Equal(30L, await Database.ScalarAsync<long>("SELECT count(*) FROM alert_deliveries"));
    }

    [Fact]
    public async Task A_rule_that_most_users_meet_at_once_tells_of_a_hundred_in_a_check()
    {
        var rule = await RuleAsync("first-payment", 0);
        await Database.AddUsersAsync(250);
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status) SELECT id, 1, 1, 'completed' FROM users");
        await CheckAsync();
        Assert.Equal(100, await OpenAsync(rule));
        await CheckAsync();
        await CheckAsync();
        Assert.Equal(250, await OpenAsync(rule));
    }

    [Fact]
    public async Task Thousands_whom_a_rule_is_true_for_are_compared_in_no_time()
    {
        await Database.AddUsersAsync(999);
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT gen_random_uuid()::text, 'A customer', 'external' FROM generate_series(1, 20000)");
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status) SELECT id, 1, 1, 'completed' FROM users");
        await RuleAsync("first-payment", 0);
        Assert.Equal(20_999L, await Database.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE is_known"));
        await CheckAsync(); // each with each would take longer than a page's query may
        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task Rules_that_are_off_ask_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        var rule = await RuleAsync("failures", 1);
        await Database.ExecuteAsync("UPDATE alert_rules SET is_enabled = false WHERE id = $1", rule);
        await LogAsync(ann, failed: true);
        Assert.False(await CheckAsync());
        Assert.Empty(await AlertsAsync());
    }

    private AlertChecks Checks() => new(
        Databases, new Contexts(Databases), new AlertSignals(Options.Create(new AlertOptions()), _time), _time, new AlertMetrics(Meters.Unread), NullLogger<AlertChecks>.Instance);

    private async Task<bool> CheckAsync()
    {
        await FoldAsync();
        return await _checks.CheckAsync(Cancellation);
    }

    private async Task<Guid> RuleAsync(string kind, decimal threshold, string? type = null, Guid? user = null, string? webhook = null)
    {
        await FoldAsync();
        var id = await Database.ScalarAsync<Guid>(
            "INSERT INTO alert_rules (name, kind, threshold, user_type, user_id, webhook_url, is_enabled) VALUES ('r', $1, $2, nullif($3, ''), nullif($4, '')::uuid, nullif($5, ''), true) RETURNING id",
            kind, threshold, type ?? "", user?.ToString() ?? "", webhook ?? "");
        await using var database = UsageDatabase.CreateContext(Databases.Admin);
        var rule = await database.AlertRules.SingleAsync(r => r.Id == id, Cancellation);
        await using var connection = await Databases.Admin.OpenConnectionAsync(Cancellation);
        await AlertChecks.BeginAsync(connection, rule, _time.GetUtcNow().UtcDateTime, Cancellation);
        _checks = Checks(); // hears of the rule, as by its trigger
        return id;
    }

    private Task LogAsync(Guid user, decimal cost = 0, bool failed = false) => Database.ExecuteAsync(
        "INSERT INTO usage_logs (user_id, model, cost_usd, status, created_at) VALUES ($1, 'm', $2, $3, $4)",
        user, cost, failed ? "failed" : "succeeded", _time.GetUtcNow().UtcDateTime);

    private Task UseAsync(Guid user, decimal credits) => Database.ExecuteAsync(
        "INSERT INTO usage_logs (user_id, model, credits) VALUES ($1, 'm', $2)", user, credits);

    private Task<List<string>> AlertsAsync() => Database.RowsAsync("""
        SELECT r.kind, CASE WHEN r.user_id IS NOT NULL THEN 'user' ELSE coalesce(r.user_type, 'all') END, u.name, trim_scale(a.value),
               CASE WHEN a.cleared_at IS NULL THEN 'open' ELSE 'cleared' END
        FROM alerts a JOIN alert_rules r ON r.id = a.rule_id LEFT JOIN users u ON u.id = a.user_id WHERE NOT a.is_known ORDER BY 1, 2, a.fired_at
        """);

    private async Task<int> OpenAsync(Guid rule) =>
        (int)await Database.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE rule_id = $1 AND cleared_at IS NULL AND NOT is_known", rule);
}
