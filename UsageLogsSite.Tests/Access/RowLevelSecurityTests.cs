using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Who may see what, as PostgreSQL has it in its catalog.</summary>
public sealed class RowLevelSecurityTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Every_table_shows_each_role_what_a_policy_of_its_own_allows_partitions_of_later_months_too()
    {
        Assert.True(await Database.ScalarAsync<bool>("SELECT usage_logs_add_partition('2031-05-01')"));
        Assert.Empty(await SecurityCatalog.ProblemsAsync(Database));
        Assert.Equal(
            UsageDatabase.Tables.Length + 1 + await Database.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass"),
            await Database.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND relforcerowsecurity"));
    }

    [Theory]
    [InlineData("CREATE TABLE notes (text text)", "notes: row-level security is off")]
    [InlineData("ALTER TABLE sessions DISABLE ROW LEVEL SECURITY", "sessions: row-level security is off")]
    [InlineData("ALTER TABLE usage_days NO FORCE ROW LEVEL SECURITY", "usage_days: row-level security is not forced")]
    [InlineData("ALTER TABLE usage_logs_default NO FORCE ROW LEVEL SECURITY", "usage_logs_default: row-level security is not forced")]
    [InlineData("GRANT SELECT ON usage_totals TO PUBLIC", "usage_totals: everybody may SELECT")]
    [InlineData("GRANT SELECT ON accounts TO usage_rollup", "accounts: usage_rollup may SELECT, and no policy is theirs")]
    [InlineData("GRANT SELECT (email) ON accounts TO usage_member", "accounts: usage_member may SELECT, and no policy is theirs")]
    [InlineData("GRANT DELETE ON audit_log TO usage_admin", "audit_log: usage_admin may DELETE, and no policy is theirs")]
    [InlineData("DROP POLICY owner_all ON usage_deltas", "usage_deltas: usagelogs may INSERT, and no policy is theirs")]
    [InlineData("DROP POLICY usage_admin_select ON usage_hours", "usage_hours: usage_admin may SELECT, and no policy is theirs")]
    [InlineData("GRANT TRUNCATE ON usage_logs TO usage_writer", "usage_logs: usage_writer may TRUNCATE, past every policy")]
    [InlineData("GRANT SELECT ON users TO usage_writer WITH GRANT OPTION", "users: usage_writer may grant SELECT")]
    [InlineData("CREATE POLICY all_may ON users USING (true)", "users: policy all_may is for everybody")]
    [InlineData("ALTER POLICY usage_member_select ON usage_logs USING (true)", "usage_logs: policy usage_member_select shows a member more than their own rows")]
    [InlineData("CREATE POLICY more ON usage_totals TO usage_member USING (requests = 0)", "usage_totals: policy more shows a member more than their own rows")]
    [InlineData("CREATE VIEW emails AS SELECT email FROM users", "emails: a view that reads with its owner's rights")]
    [InlineData("CREATE MATERIALIZED VIEW emails AS SELECT email FROM users", "emails: a materialized view has no row-level security")]
    [InlineData("CREATE FUNCTION peek() RETURNS bigint SECURITY DEFINER RETURN 1; REVOKE EXECUTE ON FUNCTION peek FROM PUBLIC", "peek: runs with its owner's rights under any search path")]
    [InlineData("ALTER FUNCTION usage_logs_add_partition RESET search_path", "usage_logs_add_partition: runs with its owner's rights under any search path")]
    [InlineData("CREATE FUNCTION peek() RETURNS bigint RETURN 1", "peek: everybody may call it")]
    [InlineData("GRANT EXECUTE ON FUNCTION usage_protect TO PUBLIC", "usage_protect: everybody may call it")]
    [InlineData("GRANT USAGE ON SEQUENCE usage_rollup_awake_until TO PUBLIC", "usage_rollup_awake_until: everybody may use the sequence")]
    [InlineData("GRANT CREATE ON SCHEMA public TO PUBLIC", "public: everybody may make things in it")]
    public async Task Each_check_finds_what_it_looks_for(string change, string problem)
    {
        await Database.ExecuteAsync(change);
        Assert.Contains(problem, await SecurityCatalog.ProblemsAsync(Database));
    }

    [Fact]
    public async Task Each_role_may_do_no_more_than_its_duty()
    {
        string[] all = ["accounts", "account_claims", "account_logins", "account_tokens", "sessions", "data_protection_keys", "embeds", "alert_rules", "alerts", "alert_deliveries", "saved_views", "api_keys"];
        string[] read =
        [
            "users", "usage_logs", "usage_archive", "credit_purchases", "usage_deltas", "usage_totals", "usage_activity", "usage_days", "usage_hours", "rollup_state",
        ];
        Dictionary<string, string> decided = new() { ["users"] = "SELECT UPDATE", ["usage_logs"] = "DELETE SELECT", ["credit_purchases"] = "SELECT UPDATE" };
        string[] expected =
        [
            .. all.Select(table => $"usage_admin {table}: DELETE INSERT SELECT UPDATE"),
            .. read.Select(table => $"usage_admin {table}: {decided.GetValueOrDefault(table, "SELECT")}"),
            .. new[] { "audit_log", "decisions", "user_notes" }.Select(table => $"usage_admin {table}: INSERT SELECT"),
            .. read[..4].Select(table => $"usage_rollup {table}: SELECT"),
            "usage_rollup usage_deltas: DELETE INSERT SELECT",
            .. read[5..9].Select(table => $"usage_rollup {table}: DELETE INSERT SELECT UPDATE"),
            "usage_rollup rollup_state: SELECT UPDATE",
            .. new[] { "users", "usage_logs", "credit_purchases", "usage_totals", "usage_days" }.Select(table => $"usage_member {table}: SELECT"),
            .. new[] { "ingest_ids", "ingest_requests" }.Select(table => $"usage_rollup {table}: DELETE SELECT"),
            .. new[] { "usage_logs", "credit_purchases" }.Select(table => $"usage_ingest {table}: INSERT"),
            "usage_ingest users: SELECT",
            "usage_ingest ingest_requests: INSERT SELECT UPDATE",
            "usage_ingest ingest_ids: INSERT SELECT",
            "usage_ingest api_keys: SELECT UPDATE",
            .. new[] { "users", "usage_logs", "credit_purchases" }.Select(table => $"usage_writer {table}: DELETE INSERT SELECT UPDATE"),
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), (await SecurityCatalog.RightsAsync(Database)).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["credit_purchases.status", "users.user_type"],
            await Database.RowsAsync("""
                SELECT c.table_name || '.' || c.column_name FROM information_schema.column_privileges c
                WHERE c.grantee = 'usage_admin' AND c.privilege_type = 'UPDATE' AND c.table_name IN ('users', 'usage_logs', 'credit_purchases') ORDER BY 1
                """));
        Assert.Equal(
            ["usage_rollup usage_logs_add_partition"],
            await Database.RowsAsync("""
                SELECT a.grantee::regrole || ' ' || p.proname FROM pg_proc p, aclexplode(p.proacl) a
                WHERE p.pronamespace = 'public'::regnamespace AND a.grantee::regrole::text LIKE 'usage\_%'
                """));
    }
}
