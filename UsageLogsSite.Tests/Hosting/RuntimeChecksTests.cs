using Npgsql;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>A site whose connections can do more or less than their duty says so, and does not start.</summary>
public sealed class RuntimeChecksTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private readonly List<string> _roles = [];

    public override async ValueTask DisposeAsync()
    {
        foreach (var role in _roles)
            await Database.ExecuteAsync($"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Logins_with_their_role_and_nothing_else_are_what_it_wants()
    {
        await StartAsync(new()
        {
            ["ConnectionStrings:Admin"] = await LoginAsync("IN ROLE usage_admin"),
            ["ConnectionStrings:Member"] = await LoginAsync("IN ROLE usage_member"),
            ["ConnectionStrings:Rollup"] = await LoginAsync("IN ROLE usage_rollup"),
        });

        // Some given, the others made.
        await StartAsync(new()
        {
            ["ConnectionStrings:UsageLogs"] = Database.ConnectionString,
            ["ConnectionStrings:Member"] = await LoginAsync("IN ROLE usage_member"),
        });
    }

    [Theory]
    [InlineData("Admin", "SUPERUSER", "which is a superuser")]
    [InlineData("Member", "BYPASSRLS IN ROLE usage_member", "which has BYPASSRLS")]
    [InlineData("Rollup", "CREATEROLE IN ROLE usage_rollup", "which has CREATEROLE")]
    [InlineData("Admin", "REPLICATION IN ROLE usage_admin", "which has REPLICATION")]
    [InlineData("Admin", "IN ROLE usage_admin, usagelogs", "which is a member of usagelogs")]
    [InlineData("Member", "IN ROLE usage_member, pg_execute_server_program", "which is a member of pg_execute_server_program")]
    [InlineData("Admin", "IN ROLE usage_rollup", "which lacks the role usage_admin")]
    [InlineData("Member", "NOINHERIT IN ROLE usage_member", "which lacks the role usage_member, or does not inherit it")]
    [InlineData("Rollup", "", "which lacks the role usage_rollup")]
    [InlineData("Member", "IN ROLE usage_member, usage_admin", "which is a member of usage_admin too")]
    [InlineData("Member", "IN ROLE usage_member, usage_rollup, usage_writer", "which is a member of usage_rollup, usage_writer too")]
    public async Task A_role_that_can_do_too_much_or_too_little_is_refused(string name, string attributes, string reason)
    {
        var refusal = await RefusedAsync(new() { [$"ConnectionStrings:{name}"] = await LoginAsync(attributes) });
        Assert.Contains($"ConnectionStrings:{name} signs in as {_roles[^1]}, {reason}", refusal, StringComparison.Ordinal);
        Assert.Matches("CREATE ROLE site_member LOGIN|GRANT usage_|REVOKE usage_", refusal);
    }

    [Theory]
    [InlineData("Admin", "sessions")]
    [InlineData("Member", "usage_logs_default")]
    [InlineData("Rollup", "users")]
    public async Task So_is_one_that_owns_a_table_or_can_come_to_own_it(string name, string table)
    {
        var login = await LoginAsync($"IN ROLE usage_{name}");
        await Database.ExecuteAsync($"GRANT CREATE ON SCHEMA public TO {_roles[0]}; ALTER TABLE {table} OWNER TO {_roles[0]}");
        Assert.Contains($"is or can become the owner of {table}", await RefusedAsync(new() { [$"ConnectionStrings:{name}"] = login }), StringComparison.Ordinal);

        var member = await LoginAsync($"IN ROLE usage_{name}, {_roles[0]}");
        Assert.Contains($"is or can become the owner of {table}", await RefusedAsync(new() { [$"ConnectionStrings:{name}"] = member }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_taken_on_hides_nothing()
    {
        var refusal = await RefusedAsync(new() { ["ConnectionStrings:Admin"] = $"{Database.ConnectionString};Options=-c role=usage_admin" });
        Assert.Contains("signs in as usagelogs, which is a superuser", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ALTER TABLE usage_totals DISABLE ROW LEVEL SECURITY", "usage_totals")]
    [InlineData("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY", "accounts")]
    public async Task A_table_without_row_level_security_is_named(string change, string table)
    {
        await Database.ExecuteAsync(change);
        Assert.Contains($"Row-level security is off, or not forced, on {table}", await RefusedAsync([]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_for_everybody_is_refused_as_it_would_be_one_for_members_too()
    {
        await Database.ExecuteAsync("CREATE POLICY everybody ON users USING (true)");
        Assert.Contains("A policy on users is for PUBLIC", await RefusedAsync([]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_has_changed_hands_is_named_until_its_new_owner_has_a_policy()
    {
        await LoginAsync("");
        await Database.ExecuteAsync($"GRANT CREATE, USAGE ON SCHEMA public TO {_roles[0]}; ALTER TABLE usage_deltas OWNER TO {_roles[0]}");
        Assert.Contains("keeps usage_deltas from its own owner", await RefusedAsync([]), StringComparison.Ordinal);
        await Database.ExecuteAsync("SELECT usage_protect('usage_deltas')");
        await StartAsync([]);
    }

    [Theory]
    [InlineData("UsageLogs", "Multiplexing=true", "Multiplexing")]
    [InlineData("Admin", "No Reset On Close=true", "No Reset On Close")]
    [InlineData("Member", "NoResetOnClose=true", "No Reset On Close")]
    [InlineData("Rollup", "Multiplexing=true", "Multiplexing")]
    public async Task Connections_that_carry_something_over_are_refused(string name, string setting, string shown)
    {
        var refusal = await RefusedAsync(new() { [$"ConnectionStrings:{name}"] = $"{Database.ConnectionString};{setting}" });
        Assert.Contains($"ConnectionStrings:{name} sets {shown}", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ConnectionStrings:Member", "", "ConnectionStrings:Member is missing. Give it, or only ConnectionStrings:UsageLogs.")]
    [InlineData("Demo:Data", "true", "Demo:Data needs the owner of the tables, and ConnectionStrings:UsageLogs is not given. Set it to false")]
    [InlineData("Demo:Traffic", "true", "Demo:Traffic needs the owner of the tables")]
    [InlineData("Retention:Keep", "13-months", "Retention:Keep needs the owner of the tables")]
    public async Task Without_the_owner_it_refuses_what_only_the_owner_can_do(string key, string value, string reason)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:UsageLogs"] = "",
            ["ConnectionStrings:Admin"] = await LoginAsync("IN ROLE usage_admin"),
            ["ConnectionStrings:Member"] = await LoginAsync("IN ROLE usage_member"),
            ["ConnectionStrings:Rollup"] = await LoginAsync("IN ROLE usage_rollup"),
        };
        await StartAsync(settings);
        settings[key] = value;
        Assert.Contains(reason, await RefusedAsync(settings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_owner_it_tells_which_migrations_are_missing()
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:UsageLogs"] = "",
            ["ConnectionStrings:Admin"] = await LoginAsync("IN ROLE usage_admin"),
            ["ConnectionStrings:Member"] = await LoginAsync("IN ROLE usage_member"),
            ["ConnectionStrings:Rollup"] = await LoginAsync("IN ROLE usage_rollup"),
        };
        await Database.ExecuteAsync("DELETE FROM \"__EFMigrationsHistory\" WHERE migration_id LIKE '%RowLevelSecurity'");
        var refusal = await RefusedAsync(settings);
        Assert.Contains("lacks 1 migration(s)", refusal, StringComparison.Ordinal);
        Assert.Contains("migrate' with the owner's ConnectionStrings:UsageLogs", refusal, StringComparison.Ordinal);
        await Database.ExecuteAsync("REVOKE SELECT ON \"__EFMigrationsHistory\" FROM usage_admin");
        Assert.Contains("lacks migrations, or the role", await RefusedAsync(settings), StringComparison.Ordinal);
    }

    private async Task<string> LoginAsync(string attributes)
    {
        var role = $"login_{Guid.NewGuid():N}";
        _roles.Add(role);
        await Database.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'secret' {attributes}");
        return new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Username = role, Password = "secret" }.ConnectionString;
    }

    private async Task<string> RefusedAsync(Dictionary<string, string> settings) =>
        (await Assert.ThrowsAsync<StartupException>(() => StartAsync(settings))).Message;

    private Task StartAsync(Dictionary<string, string> settings) => Preparation.RunAsync(Database, settings);
}
