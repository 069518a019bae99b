using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>What the other roles may do, and may not.</summary>
public sealed class DutyTests(PostgresCluster cluster) : RoleTest(cluster)
{
    [Theory]
    [InlineData("UPDATE audit_log SET who = 'nobody'")]
    [InlineData("DELETE FROM audit_log")]
    [InlineData("TRUNCATE audit_log")]
    [InlineData("UPDATE users SET name = 'Eve'")]
    [InlineData("DELETE FROM users")]
    [InlineData("UPDATE usage_logs SET cost_usd = 0")]
    [InlineData("UPDATE credit_purchases SET amount_usd = 0")]
    [InlineData("DELETE FROM credit_purchases")]
    [InlineData("DELETE FROM user_notes")]
    [InlineData("UPDATE decisions SET key = gen_random_uuid()")]
    [InlineData("UPDATE usage_totals SET requests = 0")]
    [InlineData("SELECT password FROM site_logins")]
    [InlineData("SET ROLE usage_rollup")]
    public Task Pages_change_nothing_but_accounts_and_what_owners_decide(string statement) => RefusedByAsync(Databases.Admin, statement);

    [Theory]
    [InlineData("SELECT password_hash FROM accounts")]
    [InlineData("SELECT id FROM sessions")]
    [InlineData("SELECT xml FROM data_protection_keys")]
    [InlineData("SELECT password FROM site_logins")]
    [InlineData("UPDATE users SET name = 'Eve'")]
    [InlineData("INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users")]
    [InlineData("SELECT usage_protect('users')")]
    public Task The_fold_knows_nobodys_account_and_writes_no_raw_row(string statement) => RefusedByAsync(Databases.Rollup, statement);

    [Theory]
    [InlineData("SELECT id FROM usage_logs")]
    [InlineData("SELECT id FROM credit_purchases")]
    [InlineData("SELECT email FROM users")]
    [InlineData("SELECT requests FROM usage_totals")]
    [InlineData("SELECT password_hash FROM accounts")]
    [InlineData("SELECT password FROM site_logins")]
    [InlineData("DELETE FROM usage_logs")]
    [InlineData("UPDATE usage_logs SET cost_usd = 0")]
    [InlineData("UPDATE credit_purchases SET status = 'completed'")]
    [InlineData("INSERT INTO users (email) VALUES ('eve@example.test')")]
    [InlineData("UPDATE users SET user_type = 'internal'")]
    [InlineData("DELETE FROM ingest_ids")]
    [InlineData("UPDATE ingest_requests SET body_hash = ''")]
    [InlineData("UPDATE api_keys SET scopes = '{}'")]
    [InlineData("INSERT INTO api_keys (name, source, key_hash, scopes) VALUES ('', '', '', '{}')")]
    [InlineData("COPY usage_logs TO STDOUT")]
    [InlineData("SET ROLE usage_writer")]
    public Task Who_writes_over_http_adds_rows_and_reads_none(string statement) => RefusedByAsync(Databases.Ingest!, statement);

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

    private async Task RefusedByAsync(NpgsqlDataSource source, string statement)
    {
        await Database.AddUserAsync("Ann");
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(source, statement));
    }
}
