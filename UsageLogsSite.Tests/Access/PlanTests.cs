using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using NpgsqlTypes;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What row-level security costs a query: nothing that can be seen. The owner here is a superuser, whom it does not concern.</summary>
public sealed partial class PlanTests(PostgresCluster cluster) : RoleTest(cluster)
{
    private static readonly int Logs = Run.IsLong ? 1_000_000 : 100_000;
    private static readonly int Users = Logs / 10;

    [Fact]
    public async Task Pages_are_planned_and_cost_the_same_as_without_it()
    {
        await LoadAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        UsageFilter[] filters =
        [
            new(), new() { HasChart = true }, new() { HasTrend = true }, new() { HasTrend = true, Size = 100 }, new() { Sort = UsageSort.Cost }, new() { Sort = UsageSort.Name, Page = 3 }, new() { Type = TypeFilter.Internal, Activity = ActivityFilter.Active7D },
            new() { Activity = ActivityFilter.Inactive }, new() { Page = 150 }, new() { Period = UsagePeriod.Parse("7d") }, new() { Period = UsagePeriod.Parse("last-month"), Sort = UsageSort.Cost },
            new() { Search = "user 4711" }, new() { Search = "no such user" }, new() { Search = "99" }, new() { Search = "user" },
        ];
        foreach (var filter in filters)
        {
            var (ours, theirs) = (await ExplainAsync(Databases.Admin, filter, time), await ExplainAsync(Databases.Owner!, filter, time));
            TestContext.Current.SendDiagnosticMessage($"{filter.QueryString}: {BuffersOf(ours)} buffers, {BuffersOf(theirs)} without row-level security");

            // Where it applies, PostgreSQL does not let LIKE look at statistics: what finds everybody is taken for a search that finds few.
            if (filter.Search != "user")
                Assert.Equal(Shape(theirs), Shape(ours));
            Assert.InRange(BuffersOf(ours), 0, (BuffersOf(theirs) * 1.05) + 50);
        }

        Assert.Contains("ix_users_search_text", await ExplainAsync(Databases.Admin, new UsageFilter { Search = "user 4711" }, time), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_members_questions_are_answered_by_index()
    {
        await LoadAsync();
        var user = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 4711'");
        var today = DateOnly.FromDateTime(DateTime.UtcNow);
        await AssertByIndexAsync(user, "pk_users", 10, db => db.Users);
        await AssertByIndexAsync(user, "pk_usage_totals", 10, db => db.UsageTotals);
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 150, db => db.UsageLogs.OrderByDescending(l => l.CreatedAt).Take(50));
        await AssertByIndexAsync(user, "ix_credit_purchases_user_id_created_at", 30, db => db.CreditPurchases.OrderByDescending(p => p.CreatedAt));
        await AssertByIndexAsync(
            user, "pk_usage_days", 150, db => db.Database.SqlQuery<long>(
                $"SELECT d.requests AS \"Value\" FROM generate_series(0, 29) i CROSS JOIN LATERAL (SELECT * FROM usage_days WHERE day = {today} - i LIMIT 1) d"));
    }

    [Fact]
    public async Task A_members_page_reads_next_to_nothing_but_what_it_shows()
    {
        await LoadAsync();
        var user = await Database.ScalarAsync<Guid>("SELECT id FROM users WHERE name = 'User 4711'");
        var now = new ReportingTime(DateTime.UtcNow, TimeZoneInfo.Utc);
        var own = new UserQuestion(Scope.Of(user), user, new UserFilter());
        var later = own with { Filter = new UserFilter { Before = new LogCursor(DateTime.UtcNow.AddDays(-20), Guid.NewGuid()) } };
        var month = new DateRange(now.Today.AddDays(-29), now.Today);
        await AssertByIndexAsync(user, "pk_usage_days", 200, db => UserHistory.Days(db, user, month));
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 150, db => UserHistory.Logs(db, own, null, now).Take(26));
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 150, db => UserHistory.Logs(db, later, null, now).Take(26));
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 50, db => UserHistory.Logs(db, own, month, now).Take(26));
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 150, db => UserHistory.Logs(db, own with { Filter = new UserFilter { Model = "m" } }, null, now).Take(26));
        await Database.ExecuteAsync("UPDATE usage_logs SET status = 'failed' WHERE id::text LIKE '0%'"); // else any index of failures is empty, and the best
        await Database.ExecuteAsync("ANALYZE usage_logs");
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx1", 150, db => UserHistory.Logs(db, own with { Filter = new UserFilter { Status = StatusFilter.Failed } }, null, now).Take(26));
        await AssertByIndexAsync(user, "usage_logs_.*user_id_created_at_idx", 200, db => UserModels.Uses(db, user, [now.Today, now.Today.AddDays(-1)], now));
        var log = await Database.ScalarAsync<Guid>("SELECT id FROM usage_logs WHERE user_id = $1 LIMIT 1", user);
        await AssertByIndexAsync(user, @"usage_logs_.*_pkey", 100, db => UserHistory.Log(db, user, log));
        await AssertByIndexAsync(user, "ix_credit_purchases_user_id_created_at", 30, db => UserHistory.Purchases(db, user).Take(6));
    }

    [Fact]
    public async Task The_fold_and_the_rebuild_are_planned_the_same_as_without_it()
    {
        await LoadAsync();
        foreach (var (settings, statement) in new[] { ("SET enable_seqscan = off", FoldStatement.Text), ("SET enable_seqscan = on", TotalsTable.RebuildAll) })
            Assert.Equal(await ExplainFoldAsync(Databases.Owner!, settings, statement), await ExplainFoldAsync(Databases.Rollup, settings, statement));
    }

    private static async Task<string> ExplainFoldAsync(NpgsqlDataSource source, string settings, string statement)
    {
        await using var connection = await source.OpenConnectionAsync(Cancellation);
        await using (var set = new NpgsqlCommand($"SET jit = off; {settings}", connection))
            await set.ExecuteNonQueryAsync(Cancellation);
        await using var command = new NpgsqlCommand($"EXPLAIN (COSTS OFF) {statement}", connection);
        if (statement == FoldStatement.Text)
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = 10_000 });
            command.Parameters.Add(new NpgsqlParameter<NpgsqlTid> { TypedValue = new NpgsqlTid(0, 0), NpgsqlDbType = NpgsqlDbType.Tid });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = true });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = false });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "" });
        }

        var plan = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
            plan.Add(reader.GetString(0));
        return string.Join('\n', plan);
    }

    /// <summary>Asserts on the plan of a member's question: whether it names the user or not, the policy does.</summary>
    private async Task AssertByIndexAsync<T>(Guid user, string index, int buffers, Func<UsageDbContext, IQueryable<T>> ask)
    {
        var sql = new SentSql(Databases.Member);
        await using (var context = sql.CreateDbContext())
            await ask(context).ToListAsync(Cancellation);
        var plan = await sql.ExplainAsync("ANALYZE, BUFFERS, TIMING OFF", $"SELECT set_config('usage.user_id', '{user}', false)");
        TestContext.Current.SendDiagnosticMessage($"{index}: {BuffersOf(plan)} buffers");

        // Partitions of the months to come are empty.
        Assert.DoesNotMatch(@"Seq Scan on (?!usage_logs_)\w+.*rows=[1-9]", plan);
        Assert.Matches($"(Index Scan|Index Only Scan|Bitmap Index Scan)( Backward)?( using| on) {index}", plan);
        Assert.Matches(@"Index Cond: \(.*user_id = (\$\d|'[-0-9a-f]+'::uuid)|Index Cond: \(id = (\$\d|'[-0-9a-f]+'::uuid)", plan);
        Assert.InRange(BuffersOf(plan), 1, buffers);
    }

    private static async Task<string> ExplainAsync(NpgsqlDataSource source, UsageFilter filter, TimeProvider time)
    {
        var sql = new SentSql(source);
        var table = new UsageTable(sql.Admin, time, TimeZoneInfo.Utc);
        await table.ReadAsync(filter, Cancellation);
        sql.Clear();
        await table.ReadAsync(filter, Cancellation);
        return await sql.ExplainAsync("ANALYZE, BUFFERS, TIMING OFF, COSTS OFF, SUMMARY OFF");
    }

    private async Task LoadAsync()
    {
        await Database.ExecuteAsync(
            $"INSERT INTO users (email, name, user_type) SELECT i || '@example.test', 'User ' || i, CASE WHEN i % 12 = 0 THEN 'internal' ELSE 'external' END FROM generate_series(1, {Users}) i");
        await Database.ExecuteAsync(
            $"""
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, created_at)
            SELECT u.id, 'm', 10, 20, 1, 0.01 * i, now() - (i * i * interval '1 day') - random() * interval '1 day' FROM users u, generate_series(0, 9) i
            """);
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status) SELECT id, 10, 100, 'completed' FROM users");
        await FoldAsync();
        await Database.ExecuteAsync("VACUUM ANALYZE");
    }

    /// <summary>The plan without its figures.</summary>
    private static string Shape(string plan) => Figures().Replace(plan, "");

    /// <summary>Pages that all statements of a plan touched while they ran.</summary>
    private static long BuffersOf(string plan) => Statements().Matches(plan).Sum(
        statement => Regex.Matches(statement.Value, @"(?:hit|read)=(\d+)").Sum(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@" \(actual rows=.*\)|\n +(Buffers|Rows Removed|Heap Fetches|Heap Blocks|Sort Method|Planning|Batches|Buckets|Worker|Full-sort|Pre-sorted|Memory|Peak|Lossy|I/O|WAL|Hits|Cache Mode).*")]
    private static partial Regex Figures();

    /// <summary>A statement's first line of buffers is that of the whole plan.</summary>
    [GeneratedRegex(@"^\S.*\n(?:  (?! *->).*\n)*?  Buffers: shared.*", RegexOptions.Multiline)]
    private static partial Regex Statements();
}
