using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

public sealed class SchemaTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task The_migrations_describe_the_model()
    {
        await using var context = UsageDatabase.CreateContext(Database.DataSource);
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task The_schema_can_be_taken_back_and_made_again()
    {
        await using var context = UsageDatabase.CreateContext(Database.DataSource);
        await context.Database.MigrateAsync("0", Cancellation);

        // But for an extension, which others may use as well.
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"));
        await context.Database.MigrateAsync(Cancellation);
        await Database.AddLogAsync(await Database.AddUserAsync("Ann"));
    }

    [Fact]
    public async Task A_new_schema_has_the_sums_of_totals_that_were_there_before()
    {
        await Database.AddUsersAsync(90);
        await using (var site = await Site.StartAsync(Database))
            await site.FoldedAsync();
        var options = (DbContextOptions<UsageDbContext>)new DbContextOptionsBuilder<UsageDbContext>().UseUsageDatabase(Database.DataSource).Options;
        await using var context = new UsageDbContext(options);
        await context.Database.MigrateAsync("SearchIndex", Cancellation);
        await Database.AddUserAsync("Ann");
        await context.Database.MigrateAsync(Cancellation);
        Assert.Equal(90L, await Database.ScalarAsync<long>("SELECT users FROM usage_activity WHERE hour = 'infinity'"));
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task A_plain_insert_is_enough()
    {
        var id = await Database.ScalarAsync<Guid>("INSERT INTO users (email) VALUES ('ann@example.test') RETURNING id");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) VALUES ($1, 'm')", id);
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd) VALUES ($1, 5)", id);
        Assert.Equal(
            ["external|succeeded|0|pending"],
            await Database.RowsAsync("SELECT u.user_type, l.status, trim_scale(l.cost_usd), p.status FROM users u JOIN usage_logs l ON l.user_id = u.id JOIN credit_purchases p ON p.user_id = u.id"));
    }

    [Fact]
    public async Task Columns_that_the_database_keeps_itself_are_in_nobodys_way()
    {
        await Database.ExecuteAsync("INSERT INTO users VALUES (gen_random_uuid(), 'Ann@example.test', 'ANN', 'internal', now())");
        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
        await using (var copy = await connection.BeginTextImportAsync("COPY users FROM STDIN", Cancellation))
            await copy.WriteAsync($"{Guid.NewGuid()}\tbob@example.test\tBob\texternal\t2026-01-01 00:00Z\n");
        Assert.Equal(["ann\nann@example.test", "bob\nbob@example.test"], await Database.RowsAsync("SELECT search_text FROM users ORDER BY 1"));
    }

    [Theory]
    [InlineData("INSERT INTO users (email, user_type) VALUES ('a@b.c', 'robot')")]
    [InlineData("INSERT INTO users (email) VALUES ('ANN@example.test')")]
    [InlineData("INSERT INTO users (email, name) VALUES ('a@b.c', repeat('x', 201))")]
    [InlineData("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT id, 'm', -1 FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT id, 'm', 'NaN' FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model, credits) SELECT id, 'm', 'Infinity' FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model, prompt_tokens) SELECT id, 'm', -1 FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model, status) SELECT id, 'm', 'maybe' FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model, created_at) SELECT id, 'm', 'infinity' FROM users")]
    [InlineData("INSERT INTO usage_logs (user_id, model) VALUES (gen_random_uuid(), 'm')")]
    [InlineData("INSERT INTO credit_purchases (user_id, amount_usd) SELECT id, -0.01 FROM users")]
    [InlineData("INSERT INTO credit_purchases (user_id, amount_usd, status) SELECT id, 1, 'Completed' FROM users")]
    public async Task What_cannot_be_summed_is_refused(string sql)
    {
        await Database.ExecuteAsync("INSERT INTO users (email) VALUES ('ann@example.test')");
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => Database.ExecuteAsync(sql));
        Assert.StartsWith("2", refusal.SqlState, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_that_was_granted_rights_before_row_level_security_writes_as_before()
    {
        var role = $"app_{Guid.NewGuid():N}";
        await using var context = UsageDatabase.CreateContext(Database.DataSource);
        await context.Database.MigrateAsync("Accounts", Cancellation);
        await Database.ExecuteAsync($"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON users TO {role}; GRANT INSERT, SELECT (user_id) ON usage_logs TO {role}");
        await context.Database.MigrateAsync(Cancellation);
        await Database.ExecuteAsync(
            $"SET ROLE {role}; INSERT INTO users (email) VALUES ('ann@example.test'); INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users; RESET ROLE");
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas"));
        await Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
    }

    [Fact]
    public async Task A_publication_of_all_tables_keeps_no_table_from_being_changed()
    {
        await Database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; CREATE PUBLICATION everything FOR ALL TABLES");
        await Database.MigrateAsync();
        Assert.Equal([], await Database.RowsAsync(
            """
            SELECT c.oid::regclass FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relreplident <> 'f'
              AND (c.relreplident <> 'd' OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
            """));
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddYears(-20));
        await Database.AddPurchaseAsync(ann, 5, "completed");
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync("UPDATE usage_logs SET cost_usd = 2; DELETE FROM credit_purchases");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task An_application_without_rights_on_our_tables_writes_all_the_same()
    {
        var role = $"app_{Guid.NewGuid():N}";
        await Database.ExecuteAsync($"CREATE ROLE {role} LOGIN; GRANT usage_writer TO {role}");
        await Database.ExecuteAsync(
            $"SET ROLE {role}; INSERT INTO users (email) VALUES ('ann@example.test'); INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users; DELETE FROM usage_logs; RESET ROLE");
        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas"));
        await Database.ExecuteAsync($"DROP ROLE {role}");
    }
}
