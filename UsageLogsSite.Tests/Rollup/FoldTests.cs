using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class FoldTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Every_way_to_change_a_row_ends_in_exact_totals()
    {
        var ann = await Database.AddUserAsync("Ann");
        var bob = await Database.AddUserAsync("Bob", "internal");
        await using var site = await Site.StartAsync(Database);
        var log = await Database.AddLogAsync(ann, 0.0000000001m);
        await Database.AddLogAsync(ann, 9_999_999_999.9999999999m);
        var purchase = await Database.AddPurchaseAsync(ann, 12.34m, "completed");
        string[] changes =
        [
            $"UPDATE usage_logs SET cost_usd = 3.3333333333, prompt_tokens = 2147483647, completion_tokens = 2147483647 WHERE id = '{log}'",
            $"UPDATE usage_logs SET user_id = '{bob}' WHERE id = '{log}'",
            $"UPDATE usage_logs SET created_at = '1999-12-31 23:59:59.999999+00' WHERE user_id = '{ann}'",
            $"UPDATE credit_purchases SET amount_usd = 99.99, user_id = '{bob}' WHERE id = '{purchase}'",
            $"UPDATE credit_purchases SET status = 'refunded' WHERE id = '{purchase}'",
            $"UPDATE credit_purchases SET status = 'completed' WHERE id = '{purchase}'",
            $"UPDATE users SET user_type = 'external' WHERE id = '{bob}'",
            $"DELETE FROM usage_logs WHERE id = '{log}'",
            "INSERT INTO usage_logs (user_id, model) SELECT id, 'plain' FROM users, generate_series(1, 500)",
            "TRUNCATE usage_logs",
            $"BEGIN; INSERT INTO usage_logs (user_id, model, cost_usd) VALUES ('{ann}', 'm', 1); TRUNCATE usage_logs; INSERT INTO usage_logs (user_id, model, cost_usd) VALUES ('{ann}', 'm', 2); COMMIT",
            $"DELETE FROM credit_purchases; DELETE FROM usage_logs; DELETE FROM users WHERE id = '{bob}'",
            "TRUNCATE users CASCADE",
        ];
        foreach (var change in changes)
        {
            await Database.ExecuteAsync(change);
            await site.FoldedAsync();
            await Totals.AssertExactAsync(Database);
        }
    }

    [Fact]
    public async Task Random_operations_of_many_writers_end_in_exact_totals_and_the_page_shows_them()
    {
        var operations = Run.IsLong ? 20_000 : 3_000;
        await Database.AddUsersAsync(15);
        await using var site = await Site.StartAsync(Database);
        await using var stream = await SseReader.OpenAsync(site);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => new RandomWriter(Database, seed: writer).RunAsync(operations / 6)));

        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        var raw = (await Database.RowsAsync(
            "SELECT (SELECT count(*) FROM usage_logs), (SELECT trim_scale(coalesce(sum(cost_usd), 0)) FROM usage_logs), " +
            "(SELECT trim_scale(coalesce(sum(amount_usd), 0)) FROM credit_purchases WHERE status = 'completed'), (SELECT count(*) FROM users)")).Single();
        await Eventually.TrueAsync(async () => await ShownAsync(site) == raw, $"the page shows {raw}");
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_writer_whose_commit_comes_long_after_the_fold_fell_asleep_is_seen()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Rollup:Sweep"] = "01:00:00", ["Rollup:Idle"] = "00:00:00.300" });
        using var busy = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = KeepBusyAsync(ann, busy.Token);
        await Eventually.TrueAsync(IsAwakeAsync, "the fold is awake");

        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var silent = new NpgsqlCommand($"INSERT INTO usage_logs (user_id, model, cost_usd) VALUES ('{ann}', 'late', 5)", connection))
            await silent.ExecuteNonQueryAsync(Cancellation);
        await busy.CancelAsync();
        await load;
        await Eventually.TrueAsync(async () => !await IsAwakeAsync(), "the fold fell asleep");

        await transaction.CommitAsync(Cancellation);
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task A_writer_whose_snapshot_is_older_than_the_folds_sleep_is_seen()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Rollup:Sweep"] = "01:00:00", ["Rollup:Idle"] = "00:00:00.300" });
        using var busy = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = KeepBusyAsync(ann, busy.Token);
        await Eventually.TrueAsync(IsAwakeAsync, "the fold is awake");
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.Serializable, Cancellation);
        await using (var look = new NpgsqlCommand("SELECT count(*) FROM users", connection))
            await look.ExecuteNonQueryAsync(Cancellation);
        await busy.CancelAsync();
        await load;
        await Eventually.TrueAsync(async () => !await IsAwakeAsync(), "the fold fell asleep");

        await using (var add = new NpgsqlCommand($"INSERT INTO usage_logs (user_id, model) VALUES ('{ann}', 'late')", connection))
            await add.ExecuteNonQueryAsync(Cancellation);
        await transaction.CommitAsync(Cancellation);
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task A_log_that_is_folded_after_its_own_deletion_is_no_last_activity()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) VALUES ($1, 'kept', now() - interval '1 hour')", ann);
        await using (var before = await Site.StartAsync(Database))
            await before.FoldedAsync();
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT $1, 'gone' FROM generate_series(1, 3)", ann);
        await Database.ExecuteAsync("DELETE FROM usage_logs WHERE model = 'gone'");
        await Database.ExecuteAsync("WITH former AS (DELETE FROM usage_deltas RETURNING *) INSERT INTO usage_deltas SELECT * FROM former ORDER BY requests");

        await using var site = await Site.StartAsync(Database, new() { ["Rollup:BatchSize"] = "1" });
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task A_user_who_is_deleted_in_the_middle_of_many_deltas_and_made_again_begins_at_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Rollup:BatchSize"] = "10" });
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model) SELECT $1, 'm' FROM generate_series(1, 500)", ann);
        for (var i = 0; i < 5; i++)
        {
            await Database.ExecuteAsync($"DELETE FROM usage_logs; DELETE FROM users WHERE id = '{ann}'");
            await Database.ExecuteAsync($"INSERT INTO users (id, email) VALUES ('{ann}', 'ann@example.test'); INSERT INTO usage_logs (user_id, model) SELECT '{ann}', 'm' FROM generate_series(1, 500)");
        }

        await Database.ExecuteAsync("INSERT INTO users (id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'moved@example.test')");
        await Database.ExecuteAsync("UPDATE users SET id = '00000000-0000-0000-0000-000000000002' WHERE email = 'moved@example.test'");
        await site.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task Nobody_else_can_put_our_triggers_on_a_table_of_their_own()
    {
        var role = $"app_{Guid.NewGuid():N}";
        await Database.ExecuteAsync($"CREATE ROLE {role}; GRANT TEMPORARY ON DATABASE {await Database.ScalarAsync<string>("SELECT current_database()")} TO {role}");
        foreach (var function in await Database.RowsAsync("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype"))
        {
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => Database.ExecuteAsync(
                $"SET ROLE {role}; CREATE TEMPORARY TABLE forged (user_id uuid); CREATE TRIGGER forge AFTER INSERT ON forged FOR EACH STATEMENT EXECUTE FUNCTION public.{function}()"));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
        }

        await Database.ExecuteAsync($"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}");
    }

    [Fact]
    public async Task A_sleeping_fold_asks_nothing()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Rollup:Sweep"] = "01:00:00", ["Rollup:Idle"] = "00:00:00.300" });
        await Database.AddLogAsync(ann);
        await site.FoldedAsync();

        // Whoever was in a transaction when it fell asleep, in any database of the cluster, keeps it looking until that ends.
        await Eventually.TrueAsync(
            async () =>
            {
                var since = await LastQueryAsync();
                await Task.Delay(TimeSpan.FromSeconds(3), Cancellation);
                return since == await LastQueryAsync();
            },
            "the fold asks nothing for three seconds");

        Task<DateTime> LastQueryAsync() => Database.ScalarAsync<DateTime>(
            "SELECT max(query_start) FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %' AND datname = current_database()");
    }

    [Fact]
    public async Task One_instance_folds_and_the_other_takes_over()
    {
        var ann = await Database.AddUserAsync("Ann");
        var first = await Site.StartAsync(Database);
        await using var second = await Site.StartAsync(Database);
        Assert.Equal((1, 0), (first.Logs.Count(2001), second.Logs.Count(2001)));
        await first.DisposeAsync();
        await Eventually.TrueAsync(() => second.Logs.Count(2001) == 1, "the second instance folds");
        await Database.AddLogAsync(ann);
        await second.FoldedAsync();
        await Totals.AssertExactAsync(Database);
    }

    private static async Task<string> ShownAsync(Site site)
    {
        var page = await site.GetPageAsync("/usage");
        return string.Join("|", new[] { "requests", "cost", "revenue", "users" }.Select(sum => page.QuerySelector($"#total-{sum} data")!.GetAttribute("value")));
    }

    private Task<bool> IsAwakeAsync() => Database.ScalarAsync<bool>("SELECT NOT usage_rollup_sleeps()");

    private async Task KeepBusyAsync(Guid user, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
            await Database.AddLogAsync(user);
    }
}
