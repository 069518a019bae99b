using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>Each period shows what an aggregation of the raw tables shows, also where clocks change.</summary>
public sealed class PeriodTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly UsageFilter[] Filters =
    [
        new() { Size = 100 }, new() { Size = 100, Type = TypeFilter.External }, new() { Size = 100, Type = TypeFilter.Internal },
        new() { Size = 100, Activity = ActivityFilter.Active7D }, new() { Size = 100, Activity = ActivityFilter.Inactive, Type = TypeFilter.External },
        new() { Size = 100, Search = "user 1", Sort = UsageSort.Cost }, new() { Size = 100, Sort = UsageSort.Name, Type = TypeFilter.Internal },
    ];

    private static readonly string[] Periods = ["today", "7d", "30d", "month", "last-month", "2026-03", "2026-10", "2026-11", "2030-01", "1970-01"];

    [Theory]
    [InlineData(0, "UTC", "2026-11-23T12:34:00Z")]
    [InlineData(1, "Europe/Berlin", "2026-03-29T20:10:00Z")]
    [InlineData(2, "Europe/Berlin", "2026-03-30T10:10:00Z")]
    [InlineData(3, "Europe/Berlin", "2026-10-25T01:40:00Z")]
    [InlineData(4, "Europe/Berlin", "2026-10-26T03:00:00Z")]
    [InlineData(5, "Asia/Kolkata", "2026-03-31T18:31:00Z")]
    [InlineData(6, "America/New_York", "2026-11-01T23:59:59Z")]
    public async Task A_period_shows_what_the_raw_tables_say(int turn, string zone, string now)
    {
        await FoldAsync(zone, now);
        var table = Table(zone, now);
        for (var i = 0; i < Periods.Length; i++)
        {
            // A short run asks each period with some of the filters, and others at each moment: all come up.
            foreach (var filter in Support.Run.IsLong ? Filters : Filters.Where((_, f) => (f + i + turn) % 3 == 0))
            {
                var asked = filter with { Period = UsagePeriod.Parse(Periods[i]) };
                var view = await table.ReadAsync(asked, Cancellation);
                var s = view.Summary;
                var days = view.Period!.Days;
                var raw = await RawAsync(asked, zone, now, days.First, days.Last);
                Assert.Equal(raw.Sums, FormattableString.Invariant($"{s.Users}|{s.ActiveUsers}|{s.Requests}|{s.Tokens}|{Exact(s.CostUsd)}|{Exact(s.RevenueUsd)}"));
                Assert.Equal(raw.Rows, view.Rows.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => FormattableString.Invariant(
                    $"{r.Name}|{r.Requests}|{r.Tokens}|{Exact(r.CreditsUsed)}|{Exact(r.CreditsBought)}|{Exact(r.CostUsd)}|{Exact(r.RevenueUsd)}")));
            }
        }
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-03")]
    [InlineData("Europe/Berlin", "2026-10")]
    [InlineData("America/New_York", "2026-11")]
    public async Task Single_days_sum_exactly_to_the_range(string zone, string month)
    {
        await FoldAsync(zone, "2026-12-01T00:00:00Z");
        var whole = await Table(zone, "2026-12-24T00:00:00Z").ReadAsync(new UsageFilter { Period = UsagePeriod.Parse(month) }, Cancellation);
        var (requests, tokens, cost, revenue) = (0L, 0L, 0m, 0m);
        for (var day = whole.Period!.Days.First; day <= whole.Period.Days.Last; day = day.AddDays(1))
        {
            var noon = TimeZoneInfo.ConvertTimeToUtc(day.ToDateTime(new TimeOnly(12, 0)), TimeZoneInfo.FindSystemTimeZoneById(zone));
            var view = await Table(zone, noon.ToString("O")).ReadAsync(new UsageFilter { Period = UsagePeriod.Parse("today") }, Cancellation);
            Assert.Equal(day, view.Period!.Days.First);
            requests += view.Summary.Requests;
            tokens += view.Summary.Tokens;
            cost += view.Summary.CostUsd;
            revenue += view.Summary.RevenueUsd;
        }

        Assert.True(requests > 90, "There is little to add.");
        Assert.Equal((whole.Summary.Requests, whole.Summary.Tokens, whole.Summary.CostUsd, whole.Summary.RevenueUsd), (requests, tokens, cost, revenue));
    }

    [Theory]
    [InlineData("requests")]
    [InlineData("tokens")]
    [InlineData("credits")]
    [InlineData("cost")]
    [InlineData("revenue")]
    [InlineData("last-activity")]
    [InlineData("name")]
    public async Task Each_column_orders_both_ways_over_all_pages(string column)
    {
        await FoldAsync("UTC", "2026-11-23T12:00:00Z");
        var table = Table("UTC", "2026-11-23T12:00:00Z");
        var filter = new UsageFilter { Period = UsagePeriod.Parse("30d"), Sort = Names.Parse(column, UsageSort.Name), Size = 10 };
        var down = await ReadAllAsync(table, filter with { Descending = true });
        var up = await ReadAllAsync(table, filter with { Descending = false });
        Assert.True(down.Count > 20);
        Assert.Equal(down.Select(r => r.UserId).Reverse(), up.Select(r => r.UserId));
        var keys = up.Select(r => column switch
        {
            "requests" => r.Requests,
            "tokens" => r.Tokens,
            "credits" => r.CreditsUsed,
            "cost" => r.CostUsd,
            "revenue" => r.RevenueUsd,
            "last-activity" => (r.LastActivity ?? DateTime.MinValue).Ticks,
            _ => int.Parse(r.Name.AsSpan(5), CultureInfo.InvariantCulture),
        }).ToList();
        Assert.Equal(keys.Order(), keys);
    }

    [Theory]
    [InlineData("UTC", "2026-11-23T12:34:00Z", "today", "2026-11-23 00:00+00", "2026-11-23 12:00+00", "2026-11-22 00:00+00", "2026-11-22 12:00+00")]
    [InlineData("UTC", "2026-11-23T12:34:00Z", "7d", "2026-11-17 00:00+00", "2026-11-23 12:00+00", "2026-11-10 00:00+00", "2026-11-16 12:00+00")]
    [InlineData("Europe/Berlin", "2026-10-26T05:10:00Z", "today", "2026-10-25 23:00+00", "2026-10-26 05:00+00", "2026-10-24 22:00+00", "2026-10-25 05:00+00")]
    [InlineData("Europe/Berlin", "2026-03-30T10:10:00Z", "30d", "2026-02-28 23:00+00", "2026-03-30 10:00+00", "2026-01-29 23:00+00", "2026-02-28 11:00+00")]
    [InlineData("Europe/Berlin", "2026-03-30T10:10:00Z", "month", "2026-02-28 23:00+00", "2026-03-30 10:00+00", "2026-01-31 23:00+00", "2026-02-28 23:00+00")]
    [InlineData("Asia/Kolkata", "2026-11-23T12:34:00Z", "last-month", "2026-09-30 18:30+00", "2026-10-31 18:30+00", "2026-08-31 18:30+00", "2026-09-30 18:30+00")]
    [InlineData("Asia/Kolkata", "2026-11-23T12:34:00Z", "2026-11", "2026-10-31 18:30+00", "2026-11-23 12:30+00", "2026-09-30 18:30+00", "2026-10-23 12:30+00")]
    public async Task A_comparison_is_with_the_same_part_of_the_period_before(string zone, string now, string period, string from, string until, string beforeFrom, string beforeUntil)
    {
        await FoldAsync(zone, now);
        foreach (var type in Enum.GetValues<TypeFilter>())
        {
            var view = await Table(zone, now).ReadAsync(new UsageFilter { Period = UsagePeriod.Parse(period), Type = type }, Cancellation);
            var sums = new List<decimal[]>();
            foreach (var (start, end) in new[] { (beforeFrom, beforeUntil), (from, until) })
            {
                sums.Add((await Database.RowsAsync(
                    $"""
                    SELECT coalesce(sum(r), 0), coalesce(sum(t), 0), coalesce(sum(c), 0), coalesce(sum(a), 0) FROM (
                        SELECT user_id, created_at AS at, 1 AS r, prompt_tokens AS t, cost_usd AS c, 0 AS a FROM usage_logs
                        UNION ALL SELECT user_id, created_at, 0, 0, 0, amount_usd FROM credit_purchases WHERE status = 'completed') x JOIN users u ON u.id = x.user_id
                    WHERE at >= '{start}' AND at < '{end}' AND ({type == TypeFilter.All} OR user_type = '{Names.Of(type)}')
                    """)).Single().Split('|').Select(v => decimal.Parse(v, CultureInfo.InvariantCulture)).ToArray());
            }

            var comparison = view.Period!.Comparison!;
            Assert.Equal(
                Enumerable.Range(0, 4).Select(i => UsageChangeOf.From(sums[0][i], sums[1][i])),
                [comparison.Requests, comparison.Tokens, comparison.CostUsd, comparison.RevenueUsd]);
        }
    }

    [Fact]
    public async Task There_is_no_comparison_where_nobody_can_be_added_up_by_the_hour()
    {
        await FoldAsync("UTC", "2026-11-23T12:00:00Z");
        var table = Table("UTC", "2026-11-23T12:00:00Z");
        var week = new UsageFilter { Period = UsagePeriod.Parse("7d") };
        Assert.NotNull((await table.ReadAsync(week, Cancellation)).Period!.Comparison);
        Assert.Null((await table.ReadAsync(week with { Search = "user" }, Cancellation)).Period!.Comparison);
        Assert.Null((await table.ReadAsync(week with { Activity = ActivityFilter.Active30D }, Cancellation)).Period!.Comparison);
        Assert.Null((await table.ReadAsync(new UsageFilter { Period = UsagePeriod.Parse("2027-01") }, Cancellation)).Period!.Comparison);
        Assert.Null((await table.ReadAsync(new UsageFilter(), Cancellation)).Period);
    }

    [Fact]
    public void A_change_is_rounded_and_never_overflows()
    {
        Assert.Null(UsageChangeOf.From(0, 0));
        Assert.Equal(new UsageChangeOf(0, true), UsageChangeOf.From(0, 1));
        Assert.Equal(new UsageChangeOf(-100, false), UsageChangeOf.From(5, 0));
        Assert.Equal(new UsageChangeOf(13, false), UsageChangeOf.From(8, 9));
        Assert.Equal(new UsageChangeOf(99_999, false), UsageChangeOf.From(0.0000000001m, 9_999_999_999_999_999m));
    }

    [Fact]
    public async Task At_midnight_of_the_zone_another_day_is_today()
    {
        await FoldAsync("Asia/Kolkata", "2026-11-23T12:00:00Z");
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2026-11-23T18:29:59Z", CultureInfo.InvariantCulture));
        var table = new UsageTable(new SentSql(Database.DataSource).Admin, time, TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"));
        var today = new UsageFilter { Period = UsagePeriod.Parse("today"), Search = "user" };
        var before = await table.ReadAsync(today, Cancellation);
        Assert.Equal(new DateTime(2026, 11, 23, 18, 30, 0), before.NextExpiry);
        time.Advance(TimeSpan.FromSeconds(1));
        var after = await table.ReadAsync(today, Cancellation);
        Assert.Equal(new DateOnly(2026, 11, 24), after.Period!.Days.First);
        Assert.NotEqual(before.Version, after.Version);
        async Task<DateTime?> ExpiryAsync(string period) => (await table.ReadAsync(new UsageFilter { Period = UsagePeriod.Parse(period) }, Cancellation)).NextExpiry;
        Assert.Equal(new DateTime(2026, 11, 23, 19, 30, 0), await ExpiryAsync("month"));
        Assert.Equal(new DateTime(2026, 11, 24, 18, 30, 0), await ExpiryAsync("last-month"));
        Assert.Null(await ExpiryAsync("2026-10"));
    }

    [Fact]
    public async Task A_page_past_the_end_of_a_period_is_answered_with_its_last_page()
    {
        await FoldAsync("UTC", "2026-11-23T12:00:00Z");
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2026-11-23T12:00:00Z", CultureInfo.InvariantCulture));
        var table = new UsageTable(new SentSql(Database.DataSource).Admin, time, TimeZoneInfo.Utc);
        var last = await table.ReadAsync(new UsageFilter { Period = UsagePeriod.Parse("30d"), Size = 10, Page = 9_999 }, Cancellation);
        Assert.Equal(last.Pages, last.Filter.Page);
        Assert.NotEmpty(last.Rows);
    }

    private static string Exact(decimal value) => (value / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);

    private static async Task<List<UsageRow>> ReadAllAsync(UsageTable table, UsageFilter filter)
    {
        var first = await table.ReadAsync(filter, Cancellation);
        var rows = first.Rows.ToList();
        for (var page = 2; page <= first.Pages; page++)
            rows.AddRange((await table.ReadAsync(filter with { Page = page }, Cancellation)).Rows);
        return rows;
    }

    private UsageTable Table(string zone, string now) => new(
        new SentSql(Database.DataSource).Admin,
        new FakeTimeProvider(DateTimeOffset.Parse(now, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)),
        TimeZoneInfo.FindSystemTimeZoneById(zone));

    private async Task<(string Sums, List<string> Rows)> RawAsync(UsageFilter filter, string zone, string now, DateOnly first, DateOnly last)
    {
        var keeps = filter.Activity switch
        {
            ActivityFilter.All => "true",
            ActivityFilter.Inactive => $"coalesce(l < '{now}'::timestamptz - interval '30 days', true)",
            _ => $"l >= '{now}'::timestamptz - interval '7 days'",
        };
        var used = FormattableString.Invariant(
            $"""
            WITH used AS (
                SELECT u.name, sum(r) r, sum(t) t, trim_scale(sum(cu)) cu, trim_scale(sum(cb)) cb, trim_scale(sum(c)) c, trim_scale(sum(a)) a
                FROM users u
                JOIN (SELECT user_id, created_at AS at, 1 AS r, prompt_tokens AS t, credits AS cu, 0 AS cb, cost_usd AS c, 0 AS a FROM usage_logs
                      UNION ALL SELECT user_id, created_at, 0, 0, 0, credits, 0, amount_usd FROM credit_purchases WHERE status = 'completed') x ON x.user_id = u.id
                CROSS JOIN LATERAL (SELECT max(created_at) AS l FROM usage_logs WHERE user_id = u.id) l
                WHERE (x.at AT TIME ZONE '{zone}')::date BETWEEN '{first:yyyy-MM-dd}' AND '{last:yyyy-MM-dd}' AND {keeps}
                  AND ({filter.Type == TypeFilter.All} OR user_type = '{Names.Of(filter.Type)}') AND u.name ILIKE '%{filter.Search}%'
                GROUP BY u.name)
            """);
        var sums = await Database.RowsAsync(used + "SELECT count(*), count(*) FILTER (WHERE r > 0), coalesce(sum(r), 0), coalesce(sum(t), 0), trim_scale(coalesce(sum(c), 0)), trim_scale(coalesce(sum(a), 0)) FROM used");
        return (sums.Single(), await Database.RowsAsync(used + "SELECT * FROM used ORDER BY name COLLATE \"C\""));
    }

    /// <summary>Users with logs and purchases around now, around the changes of clocks and in every hour of some days, folded in small batches.</summary>
    private async Task FoldAsync(string zone, string now)
    {
        await Database.ExecuteAsync("UPDATE rollup_state SET time_zone = $1", zone);
        await Database.ExecuteAsync("INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || (1000 + i), CASE WHEN i % 3 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, 60) i");
        await Database.ExecuteAsync(
            $"""
            CREATE TEMPORARY TABLE moments AS
            SELECT '{now}'::timestamptz - i * interval '97 min' AS at FROM generate_series(-40, 1100) i
            UNION ALL SELECT m + i * interval '30 min' FROM unnest(ARRAY['2026-03-28 20:00+00', '2026-10-24 20:00+00', '2026-10-31 20:00+00']::timestamptz[]) m, generate_series(0, 90) i
            UNION ALL SELECT m + s FROM unnest(ARRAY['1970-01-20 12:00+00', '2029-12-31 23:30+00', '2026-03-31 18:30+00']::timestamptz[]) m, unnest(ARRAY['-1 us', '0', '1 us']::interval[]) s;
            INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at)
            SELECT (SELECT id FROM users WHERE name = 'User ' || (1001 + floor(60 * r.r * r.r)::int)), 'm', 1 + (r.r * 100)::int, 0.5, 0.0000000001 + (r.r * 10)::numeric(10, 4), at FROM moments, LATERAL (SELECT random() + 0 * extract(epoch FROM at) AS r) r;
            INSERT INTO credit_purchases (user_id, amount_usd, credits, status, created_at)
            SELECT (SELECT id FROM users WHERE name = 'User ' || (1001 + floor(60 * r.r)::int)), (r.r * 100)::numeric(10, 2), 7, CASE WHEN r.r < 0.8 THEN 'completed' ELSE 'failed' END, at + interval '7 min' FROM moments, LATERAL (SELECT random() + 0 * extract(epoch FROM at) AS r) r WHERE r.r > 0.6;
            """);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        var fold = new Fold(connection, 700);
        while (await fold.DrainAsync(Cancellation) > 0)
        {
            // A turn ends after a second, whatever is left.
        }

        await Totals.AssertExactAsync(Database);
    }
}
