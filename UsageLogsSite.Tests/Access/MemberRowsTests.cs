using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What PostgreSQL shows to the member's role, whatever it is asked.</summary>
public sealed class MemberRowsTests(PostgresCluster cluster) : RoleTest(cluster)
{
    private static readonly string[] Readable = ["users", "usage_logs", "credit_purchases", "usage_totals", "usage_days"];

    [Fact]
    public async Task Without_an_identity_there_is_nothing_to_see()
    {
        await AddCustomerAsync("Ann", logs: 3);
        await FoldAsync();
        var partitions = await Database.RowsAsync("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass");
        foreach (var table in UsageDatabase.Tables.Concat(partitions).Append("site_logins").Append("\"__EFMigrationsHistory\""))
        {
            var count = $"SELECT count(*) FROM {table}";
            if (!Readable.Contains(table))
            {
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Member, Identify(Guid.NewGuid()), count));
                continue;
            }

            Assert.NotEqual(0L, await Database.ScalarAsync<long>(count));
            Assert.Equal(0L, await AskAsync<long>(Databases.Member, count));
            Assert.Equal(0L, await AskAsync<long>(Databases.Member, Identify(""), count));
            Assert.Equal(0L, await AskAsync<long>(Databases.Member, Identify(Guid.NewGuid()), count));
        }
    }

    [Fact]
    public async Task A_member_sees_exactly_their_own_rows()
    {
        var ann = await AddCustomerAsync("Ann", logs: 3);
        await AddCustomerAsync("Bob", logs: 5);
        await FoldAsync();
        foreach (var (table, key, rows) in new[] { ("users", "id", 1L), ("usage_logs", "user_id", 3), ("credit_purchases", "user_id", 1), ("usage_totals", "user_id", 1), ("usage_days", "user_id", 3) })
        {
            Assert.Equal(rows, await AskAsync<long>(Databases.Member, Identify(ann), $"SELECT count(*) FROM {table}"));
            Assert.Equal(rows, await AskAsync<long>(Databases.Member, Identify(ann), $"SELECT count(*) FROM {table} WHERE {key} = '{ann}'"));
        }

        Assert.Equal(30m, await AskAsync<decimal>(Databases.Member, Identify(ann), "SELECT sum(revenue_usd) FROM usage_totals"));
    }

    [Theory]
    [InlineData("SELECT count(*) FROM users WHERE name = 'Bob' OR true")]
    [InlineData("SELECT count(*) FROM users u LEFT JOIN usage_logs l ON true WHERE u.name <> 'Ann' OR l.user_id <> u.id")]
    [InlineData("SELECT count(*) FROM usage_totals t RIGHT JOIN usage_days d ON true WHERE d.user_id IN (SELECT id FROM users WHERE name = 'Bob') OR t.requests = 5")]
    [InlineData("WITH RECURSIVE r AS (SELECT user_id FROM usage_logs UNION SELECT user_id FROM credit_purchases) SELECT count(*) FROM r")]
    [InlineData("SELECT count(*) FROM (SELECT user_id FROM usage_totals UNION ALL SELECT user_id FROM usage_days UNION ALL SELECT user_id FROM usage_logs) a JOIN users u ON u.id = a.user_id WHERE u.name = 'Bob'")]
    [InlineData("SELECT count(*) FROM usage_logs TABLESAMPLE SYSTEM (100) WHERE (SELECT name FROM users WHERE id = user_id) = 'Bob'")]
    public async Task No_question_finds_another_members_rows(string question)
    {
        var ann = await AddCustomerAsync("Ann", logs: 3);
        await AddCustomerAsync("Bob", logs: 5);
        await FoldAsync();
        var expected = await AskAsync<long>(Databases.Owner!, Without("Bob"), question);
        Assert.Equal(expected, await AskAsync<long>(Databases.Member, Identify(ann), question));
        Assert.NotEqual(expected, await AskAsync<long>(Databases.Owner!, question));
    }

    [Fact]
    public async Task A_condition_that_tells_tales_is_not_asked_about_others()
    {
        var ann = await AddCustomerAsync("Ann", logs: 1);
        await AddCustomerAsync("Bob", logs: 1);
        await using var connection = await Databases.Member.OpenConnectionAsync(Cancellation);
        var told = new List<string>();
        connection.Notice += (_, notice) => told.Add(notice.Notice.MessageText);
        await using var command = new NpgsqlCommand(
            $"""
            CREATE FUNCTION pg_temp.tell(name text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE '%', name; RETURN true; END $$;
            BEGIN; {Identify(ann)}; SELECT count(*) FROM users WHERE pg_temp.tell(name); COMMIT
            """,
            connection);
        await command.ExecuteNonQueryAsync(Cancellation);
        Assert.Equal(["Ann"], told);
    }

    [Theory]
    [InlineData("SET LOCAL row_security = off", "SELECT count(*) FROM users")]
    [InlineData("SET LOCAL ROLE usage_admin")]
    [InlineData("SET SESSION AUTHORIZATION usagelogs")]
    [InlineData("SELECT usage_logs_add_partition(now())")]
    [InlineData("SELECT usage_protect('users')")]
    [InlineData("SELECT setval('usage_rollup_awake_until', 1)")]
    [InlineData("INSERT INTO users (email) VALUES ('eve@example.test')")]
    [InlineData("UPDATE usage_totals SET requests = 0")]
    [InlineData("DELETE FROM usage_logs")]
    [InlineData("TRUNCATE usage_logs")]
    [InlineData("SELECT 1 FROM users FOR UPDATE")]
    [InlineData("ALTER TABLE users DISABLE ROW LEVEL SECURITY")]
    [InlineData("CREATE POLICY mine ON users TO usage_member USING (true)")]
    [InlineData("SELECT rolpassword FROM pg_authid")]
    [InlineData("SELECT stavalues1 FROM pg_statistic")]
    [InlineData("SELECT pg_read_file('/etc/passwd')")]
    public async Task There_is_no_way_around(params string[] statements)
    {
        var ann = await AddCustomerAsync("Ann", logs: 1);
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Member, [Identify(ann), .. statements]));
    }

    /// <summary>Fails closed, as a failure of the database: pages say so with 503, and never show a wrong row.</summary>
    [Fact]
    public async Task An_identity_that_is_none_is_refused_and_no_failure_of_the_program()
    {
        await AddCustomerAsync("Ann", logs: 1);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => AskAsync<long>(Databases.Member, Identify("x"), "SELECT count(*) FROM users"));
        Assert.Equal(PostgresErrorCodes.InvalidTextRepresentation, refusal.SqlState);
        Assert.True(DatabaseFailure.Is(refusal));
    }

    [Fact]
    public async Task Most_common_values_tell_nothing_of_others()
    {
        var ann = await AddCustomerAsync("Ann", logs: 1);
        await Database.AddUsersAsync(200);
        await Database.ExecuteAsync("ANALYZE");
        Assert.Equal(0L, await AskAsync<long>(
            Databases.Member, Identify(ann), "SELECT count(*) FROM pg_stats WHERE tablename IN ('users', 'usage_totals', 'usage_logs', 'credit_purchases', 'usage_days')"));
    }

    private static string Without(string name) => $"""
        CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT id FROM users WHERE name = '{name}';
        DELETE FROM usage_logs WHERE user_id IN (SELECT id FROM gone); DELETE FROM credit_purchases WHERE user_id IN (SELECT id FROM gone);
        DELETE FROM usage_totals WHERE user_id IN (SELECT id FROM gone); DELETE FROM usage_days WHERE user_id IN (SELECT id FROM gone);
        DELETE FROM users WHERE id IN (SELECT id FROM gone)
        """;
}
