using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>The sums of every filter are those of an aggregation of the raw tables, wherever a window's start cuts an hour.</summary>
public sealed class UsageSumsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 29, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(TimeSpan.TicksPerMicrosecond)]
    [InlineData(TimeSpan.TicksPerHour - TimeSpan.TicksPerMicrosecond)]
    [InlineData(TimeSpan.TicksPerHour - 1)]
    [InlineData((TimeSpan.TicksPerMinute * 34) + 567_890)]
    public async Task Sums_are_exact_wherever_a_window_cuts_an_hour(long ticksPastNoon)
    {
        var now = Noon.AddTicks(ticksPastNoon);
        await FoldAsync(now);
        await Totals.AssertExactAsync(Database);
        await AssertExactAsync(now);
    }

    [Fact]
    public async Task Sums_are_exact_as_users_come_change_and_go()
    {
        var random = new Random(7);
        for (var i = 0; i < 12; i++)
        {
            var now = Noon.AddMinutes(random.Next(100_000)).AddTicks(random.NextInt64(TimeSpan.TicksPerHour));
            await FoldAsync(now);
            await Database.ExecuteAsync("UPDATE users SET user_type = CASE user_type WHEN 'internal' THEN 'external' ELSE 'internal' END WHERE random() < 0.3");
            await Database.ExecuteAsync("DELETE FROM usage_logs WHERE random() < 0.3");
            await Database.ExecuteAsync("UPDATE usage_logs SET created_at = created_at + interval '1 h' * (random() * 6 - 3), cost_usd = cost_usd + 1 WHERE random() < 0.3");
            await Database.ExecuteAsync("DELETE FROM users u WHERE random() < 0.5 AND NOT EXISTS (SELECT FROM usage_logs WHERE user_id = u.id) AND NOT EXISTS (SELECT FROM credit_purchases WHERE user_id = u.id)");
            if (i % 5 == 4)
                await Database.ExecuteAsync("TRUNCATE usage_logs");
            await DrainAsync();
            await Totals.AssertExactAsync(Database);
            await AssertExactAsync(now);
        }
    }

    [Theory]
    [InlineData("UPDATE usage_activity SET users = users + 1 WHERE hour < 'infinity'", "users")]
    [InlineData("UPDATE usage_activity SET revenue_usd = 0.0000000001 + revenue_usd WHERE hour = 'infinity'", "revenue_usd")]
    [InlineData("DELETE FROM usage_activity WHERE hour = '-infinity'", "row")]
    [InlineData("INSERT INTO usage_activity VALUES ('external', '1999-01-01', 0, 0, 0, 0, 0)", "row")]
    public async Task A_check_finds_sums_that_differ_and_a_rebuild_repairs_them(string damage, string column)
    {
        await FoldAsync(Noon);
        await Database.ExecuteAsync(damage);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        var differences = await new TotalsCheck(connection, TimeProvider.System).DifferencesAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Contains(differences, d => d.Table == "usage_activity" && d.Column == column);
        await new Fold(connection, 100).RebuildAsync(Cancellation);
        await Totals.AssertExactAsync(Database);
        await AssertExactAsync(Noon);
    }

    [Fact]
    public async Task No_view_without_a_search_reads_all_users()
    {
        await Database.ExecuteAsync("INSERT INTO users (email, name) SELECT i || '@example.test', 'User ' || i FROM generate_series(1, 20000) i");
        await Database.ExecuteAsync("INSERT INTO usage_totals SELECT id, 'external', 1, 1, 1, 1, 1, 1, 1, now() - substr(name, 6)::int * interval '9 minutes' FROM users");
        await Database.ExecuteAsync("ANALYZE");
        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
            await new Fold(connection, 100).RebuildAsync(Cancellation);
        var sql = new SentSql(Database.DataSource);
        var table = new UsageTable(sql.Admin, TimeProvider.System, TimeZoneInfo.Utc);
        foreach (var type in Enum.GetValues<TypeFilter>().Where(t => t != TypeFilter.Internal))
        {
            foreach (var activity in Enum.GetValues<ActivityFilter>())
            {
                sql.Clear();
                await table.ReadAsync(new UsageFilter { Type = type, Activity = activity }, Cancellation);
                Assert.DoesNotMatch("Seq Scan on (users|usage_totals)", await sql.ExplainAsync());
            }
        }
    }

    private async Task AssertExactAsync(DateTimeOffset now)
    {
        var table = new UsageTable(new SentSql(Database.DataSource).Admin, new FakeTimeProvider(now), TimeZoneInfo.Utc);
        foreach (var type in Enum.GetValues<TypeFilter>())
        {
            foreach (var activity in Enum.GetValues<ActivityFilter>())
            {
                var view = await table.ReadAsync(new UsageFilter { Type = type, Activity = activity, Size = 10 }, Cancellation);
                var searched = await table.ReadAsync(view.Filter with { Search = "user" }, Cancellation);
                Assert.Equal(searched.Summary, view.Summary);
                Assert.Equal(searched.NextExpiry, view.NextExpiry);
                var s = view.Summary;
                Assert.Equal(
                    await RawAsync(type, activity, now.UtcDateTime),
                    FormattableString.Invariant($"{s.Users}|{s.ActiveUsers}|{s.Requests}|{s.Tokens}|{s.CostUsd / 1.0000000000000000000000000000m}|{s.RevenueUsd / 1.0000000000000000000000000000m}"));
            }
        }
    }

    private async Task<string> RawAsync(TypeFilter type, ActivityFilter activity, DateTime now)
    {
        // As PostgreSQL is told of them: in whole microseconds.
        string At(TimeSpan length) => $"'{(now - length).AddTicks(-((now - length).Ticks % TimeSpan.TicksPerMicrosecond)):O}'::timestamptz";
        var active = $"coalesce(last >= {At(TimeSpan.FromDays(30))}, false)";
        var keeps = activity switch
        {
            ActivityFilter.All => "true",
            ActivityFilter.Inactive => $"NOT {active}",
            _ => $"last >= {At(UsageFilterQueries.WindowLength(activity)!.Value)}",
        };
        return (await Database.RowsAsync(
            $"""
            SELECT count(*), count(*) FILTER (WHERE {active}), coalesce(sum(requests), 0), coalesce(sum(tokens), 0), trim_scale(coalesce(sum(cost), 0)), trim_scale(coalesce(sum(revenue), 0))
            FROM users u
            CROSS JOIN LATERAL (SELECT max(created_at) AS last, count(*) AS requests, sum(prompt_tokens + completion_tokens) AS tokens, sum(cost_usd) AS cost FROM usage_logs WHERE user_id = u.id) l
            CROSS JOIN LATERAL (SELECT sum(amount_usd) AS revenue FROM credit_purchases WHERE user_id = u.id AND status = 'completed') p
            WHERE ({type == TypeFilter.All} OR user_type = '{Names.Of(type)}') AND {keeps}
            """)).Single();
    }

    /// <summary>Users on both sides of each window's start, at it and in the hours around it, in the future, and some without logs.</summary>
    private async Task FoldAsync(DateTimeOffset now)
    {
        await Database.ExecuteAsync(
            """
            WITH times AS (
                SELECT $1 - days * interval '1 day' + off AS at
                FROM unnest(ARRAY[-2, 0, 1, 7, 30, 31]) days, unnest(ARRAY['-90 min', '-20 min', '-1 us', '0', '1 us', '20 min', '61 min', '90 min']::interval[]) off
                UNION ALL SELECT NULL FROM generate_series(1, 5)
            ), added AS (
                INSERT INTO users (id, email, name, user_type)
                SELECT gen_random_uuid(), gen_random_uuid() || '@example.test', 'User ' || coalesce(at::text, ''), CASE WHEN random() < 0.4 THEN 'internal' ELSE 'external' END FROM times
                RETURNING id, name
            ), logged AS (
                INSERT INTO usage_logs (user_id, model, prompt_tokens, cost_usd, created_at)
                SELECT id, 'm', 7, 0.0000000001 + (random() * 100)::numeric(10, 4), substr(name, 6)::timestamptz - back * interval '40 min' FROM added, generate_series(0, 2) back WHERE name <> 'User '
            )
            INSERT INTO credit_purchases (user_id, amount_usd, status) SELECT id, (random() * 100)::numeric(10, 2), 'completed' FROM added WHERE random() < 0.5
            """,
            now.UtcDateTime);
        await DrainAsync();
    }

    private async Task DrainAsync()
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        var fold = new Fold(connection, 50);
        while (await fold.DrainAsync(Cancellation) > 0)
        {
            // A turn ends after a second, whatever is left.
        }
    }
}
