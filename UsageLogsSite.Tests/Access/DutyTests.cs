using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What the other roles may do, and may not.</summary>
public sealed class DutyTests(PostgresCluster cluster) : RoleTest(cluster)
{
    [Fact]
    public Task Pages_change_nothing_but_accounts_and_what_owners_decide() => RefusedByAsync(
        Databases.Admin,
        "UPDATE audit_log SET who = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE users SET name = 'Eve'",
        "DELETE FROM users",
        "UPDATE usage_logs SET cost_usd = 0",
        "UPDATE credit_purchases SET amount_usd = 0",
        "DELETE FROM credit_purchases",
        "DELETE FROM user_notes",
        "UPDATE decisions SET key = gen_random_uuid()",
        "UPDATE usage_totals SET requests = 0",
        "SELECT password FROM site_logins",
        "SET ROLE usage_rollup");

    [Fact]
    public Task The_fold_knows_nobodys_account_and_writes_no_raw_row() => RefusedByAsync(
        Databases.Rollup,
        "SELECT password_hash FROM accounts",
        "SELECT id FROM sessions",
        "SELECT xml FROM data_protection_keys",
        "SELECT password FROM site_logins",
        "UPDATE users SET name = 'Eve'",
        "INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users",
        "SELECT usage_protect('users')");

    [Fact]
    public Task Who_writes_over_http_adds_rows_and_reads_none() => RefusedByAsync(
        Databases.Ingest!,
        "SELECT id FROM usage_logs",
        "SELECT id FROM credit_purchases",
        "SELECT email FROM users",
        "SELECT requests FROM usage_totals",
        "SELECT password_hash FROM accounts",
        "SELECT password FROM site_logins",
        "DELETE FROM usage_logs",
        "UPDATE usage_logs SET cost_usd = 0",
        "UPDATE credit_purchases SET status = 'completed'",
        "INSERT INTO users (email) VALUES ('eve@example.test')",
        "UPDATE users SET user_type = 'internal'",
        "DELETE FROM ingest_ids",
        "UPDATE ingest_requests SET body_hash = ''",
        "UPDATE api_keys SET scopes = '{}'",
        "INSERT INTO api_keys (name, source, key_hash, scopes) VALUES ('', '', '', '{}')",
        "COPY usage_logs TO STDOUT",
        "SET ROLE usage_writer");

    [Theory]
    [InlineData("SELECT count(*) FROM usage_deltas")]
    [InlineData("SELECT count(*) FROM usage_totals")]
    [InlineData("SELECT count(*) FROM accounts")]
    [InlineData("INSERT INTO usage_deltas (user_id) SELECT id FROM users")]
    [InlineData("TRUNCATE usage_logs")]
    [InlineData("SELECT usage_wake_rollup()")]
    public async Task Writers_reach_no_table_that_is_the_sites_own(string statement)
    {
        await Database.AddUserAsync("Ann");
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Owner!, "SET LOCAL ROLE usage_writer", statement));
    }

    [Fact]
    public async Task The_audit_log_takes_entries_and_gives_none_back()
    {
        const string Add = "INSERT INTO audit_log (who, action, subject, detail, address) VALUES ('ann', 'SignedIn', '', '', '') RETURNING id";
        Assert.True(await AskAsync<long>(Databases.Admin, Add) > 0);

        // Not even to the owner, by accident.
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Owner!, "DELETE FROM audit_log"));
    }

    [Fact]
    public async Task Pages_keep_accounts_and_all_that_belongs_to_them()
    {
        Assert.Equal(0L, await AskAsync<long>(
            Databases.Admin,
            """
            INSERT INTO accounts (id, role, is_disabled, email_confirmed, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
            VALUES (gen_random_uuid(), 'owner', false, true, false, false, true, 0)
            """,
            "INSERT INTO account_claims (account_id) SELECT id FROM accounts",
            "INSERT INTO sessions (id, account_id, expires_at, device, address) SELECT '\\x01', id, now(), '', '' FROM accounts",
            "INSERT INTO data_protection_keys (xml) VALUES ('<key />')",
            "UPDATE accounts SET is_disabled = true",
            "DELETE FROM accounts",
            "SELECT count(*) FROM sessions"));
    }

    [Fact]
    public async Task Pages_reach_the_saved_views_of_the_account_that_is_set_and_of_no_other()
    {
        const string Views = "SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM saved_views";
        var accounts = await Database.RowsAsync("""
            WITH added AS (
                INSERT INTO accounts (id, role, is_disabled, email_confirmed, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
                SELECT gen_random_uuid(), 'owner', false, true, false, false, true, 0 FROM generate_series(1, 2) RETURNING id)
            INSERT INTO saved_views (account_id, name, normalized_name, query) SELECT id, left(id::text, 4), 'X', '' FROM added RETURNING account_id
            """);
        Assert.Equal("", await AskAsync<string>(Databases.Admin, Views));
        Assert.Equal("", await AskAsync<string>(Databases.Admin, Be(Guid.NewGuid().ToString()), Views));
        foreach (var (me, other) in new[] { (accounts[0], accounts[1]), (accounts[1], accounts[0]) })
        {
            Assert.Equal(me[..4], await AskAsync<string>(Databases.Admin, Be(me), Views));
            Assert.Equal("", await AskAsync<string>(Databases.Admin, Be(me), $"{Views} WHERE account_id = '{other}'"));
            Assert.Null(await AskAsync<string?>(Databases.Admin, Be(me), $"UPDATE saved_views SET name = 'mine' WHERE account_id = '{other}' RETURNING name"));
            Assert.Null(await AskAsync<string?>(Databases.Admin, Be(me), $"DELETE FROM saved_views WHERE account_id = '{other}' RETURNING name"));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Admin, Be(me), $"UPDATE saved_views SET account_id = '{other}'"));
            Assert.Equal(
                PostgresErrorCodes.InsufficientPrivilege,
                await RefusedAsync(Databases.Admin, Be(me), $"INSERT INTO saved_views (account_id, name, normalized_name, query) VALUES ('{other}', 'a', 'A', '')"));
        }

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Member, Be(accounts[0]), Views));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(Databases.Rollup, Be(accounts[0]), Views));

        static string Be(string account) => $"SELECT set_config('usage.account_id', '{account}', true)";
    }

    private async Task RefusedByAsync(NpgsqlDataSource source, params string[] statements)
    {
        await Database.AddUserAsync("Ann");
        await Assert.AllAsync(statements, async statement => Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(source, statement)));
    }
}
