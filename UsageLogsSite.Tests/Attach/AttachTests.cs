using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Commands;
using UsageLogsSite.Data;
using UsageLogsSite.Decisions;
using UsageLogsSite.Tests.Ingest;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Attach;

/// <summary>The site beside a product's own tables: what <c>docs/attach.md</c> says, run as it says.</summary>
public sealed class AttachTests : IAsyncLifetime
{
    private Product _product = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresDatabase Theirs => _product.Database;

    private PostgresDatabase Ours => _product.Ours;

    public async ValueTask InitializeAsync()
    {
        _product = await Product.StartAsync();
        await Theirs.ExecuteAsync("INSERT INTO auth.users (email, raw_user_meta_data) SELECT i || '@example.test', '{\"full_name\": \"Ann\"}' FROM generate_series(1, 20) i");
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task Copies_and_totals_are_exact_whatever_the_products_roles_do_before_while_and_after_it_is_attached()
    {
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (user_id, model, input_tokens, cost, inserted_at) SELECT (SELECT id FROM auth.users LIMIT 1), 'm', 1, 0.5, now() - i * interval '1 hour' FROM generate_series(1, 5000) i");
        using var attached = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(1, 3).Select(seed => new ProductTraffic(_product, seed).RunAsync(int.MaxValue, attached.Token)));
        await _product.AttachAsync();
        await attached.CancelAsync();
        await writing;

        await using (var site = await Site.StartBusyAsync(Ours))
        {
            await Task.WhenAll(Enumerable.Range(4, 3).Select(seed => new ProductTraffic(_product, seed).RunAsync(Run.IsLong ? 5_000 : 300, Cancellation)));
            Assert.Matches("users: .* 0 differ, 0 could not be copied", await _product.MustAsync("attach", "verify"));
            await Eventually.TrueAsync(() => NotedAsync(0), "the site has copied everything");
            await AssertSameAsync();
            await site.FoldedAsync();
            await Totals.AssertExactAsync(Ours);
            var sum = await Theirs.ScalarAsync<decimal>("SELECT coalesce(sum(amount_cents), 0) / 100.0 FROM public.credit_purchases WHERE status = 'paid'");
            Assert.Equal(sum, await Ours.ScalarAsync<decimal>("SELECT coalesce(sum(revenue_usd), 0) FROM usage_totals"));
            Assert.Empty(site.Logs.Errors);
        }

        Assert.Equal(CommandLine.Done, (await _product.RunAsync("rollup", "verify")).ExitCode);

        // A user who goes takes along what is theirs.
        await Theirs.ExecuteAsync("DELETE FROM auth.users");
        await _product.CopyAsync();
        Assert.Equal(0L, await Ours.ScalarAsync<long>("SELECT count(*) FROM users") + await Ours.ScalarAsync<long>("SELECT count(*) FROM credit_purchases"));
        await AssertSameAsync();
    }

    [Fact]
    public async Task A_row_that_cannot_be_copied_ends_no_transaction_of_the_products_and_is_named_until_it_can()
    {
        await _product.AttachAsync();
        var user = await Theirs.ScalarAsync<Guid>("SELECT id FROM auth.users LIMIT 1");
        var good = await Theirs.ScalarAsync<Guid>("INSERT INTO public.credit_purchases (user_id, amount_cents, credits, status) VALUES ($1, 500, 5, 'paid') RETURNING id", user);
        var bad = await Theirs.ScalarAsync<Guid>("INSERT INTO public.credit_purchases (user_id, amount_cents, credits, status) VALUES ($1, 700, 7, 'chargeback') RETURNING id", user);
        var twin = await Theirs.ScalarAsync<Guid>("INSERT INTO auth.users (email) VALUES ('1@EXAMPLE.test') RETURNING id");
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (user_id, model, cost) VALUES ($1, 'm', 1)", twin);
        await _product.CopyAsync();

        Assert.Equal(good, await Ours.ScalarAsync<Guid>("SELECT id FROM credit_purchases"));
        var ran = await _product.RunAsync("attach", "verify");
        Assert.Equal(CommandLine.Found, ran.ExitCode);
        Assert.Contains($"credit_purchases not copied: id {bad}: null value in column \"status\"", ran.Output, StringComparison.Ordinal);
        Assert.Contains($"users not copied: id {twin}: duplicate key", ran.Output, StringComparison.Ordinal);
        Assert.Contains("usage_logs: 0 rows of public.usage_logs compared, 0 differ, 1 could not be copied", ran.Output, StringComparison.Ordinal);

        // The last good copy stays until the row makes sense again; a log that waited for its user comes with it.
        await Theirs.ExecuteAsync("UPDATE public.credit_purchases SET status = 'disputed' WHERE id = $1", good);
        await Theirs.ExecuteAsync("UPDATE auth.users SET email = 'twin@example.test' WHERE id = $1", twin);
        await Theirs.ExecuteAsync("UPDATE public.credit_purchases SET status = 'refunded' WHERE id = $1", bad);
        await _product.CopyAsync();
        Assert.Equal("completed", await Ours.ScalarAsync<string>("SELECT status FROM credit_purchases WHERE id = $1", good));
        await Theirs.ExecuteAsync("UPDATE public.credit_purchases SET status = 'paid' WHERE id = $1", good);
        await _product.MustAsync("attach", "retry");
        await _product.MustAsync("attach", "verify");
        await AssertSameAsync();
    }

    [Fact]
    public async Task Users_who_exchange_their_addresses_are_copied()
    {
        await _product.AttachAsync();
        await Theirs.ExecuteAsync("UPDATE auth.users SET email = CASE email WHEN '1@example.test' THEN '2@example.test' ELSE '1@example.test' END WHERE email IN ('1@example.test', '2@example.test')");
        await _product.CopyAsync();
        await _product.MustAsync("attach", "verify");
        await AssertSameAsync();
    }

    [Fact]
    public async Task Verify_finds_what_was_written_past_the_triggers_and_attaching_again_mends_it()
    {
        await _product.AttachAsync();
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (id, user_id, cost) SELECT i, id, 1 FROM auth.users, generate_series(1, 3) i LIMIT 1");
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (id, user_id, cost) SELECT 6 + left(email, 1)::int, id, 1 FROM auth.users WHERE email IN ('1@example.test', '2@example.test')");
        await _product.CopyAsync();
        await Theirs.ExecuteAsync(
            "SET session_replication_role = replica; DELETE FROM public.usage_logs WHERE id = 7; DELETE FROM public.usage_logs WHERE id = 8; DELETE FROM auth.users WHERE email = '2@example.test'; UPDATE auth.users SET raw_user_meta_data = '{\"full_name\": \"Bob\"}' WHERE email = '1@example.test'; RESET session_replication_role");
        var ran = await _product.RunAsync("attach", "verify");
        Assert.Equal(CommandLine.Found, ran.ExitCode);
        Assert.Contains("usage_logs too many: 00000000-0000-0000-0000-000000000007", ran.Output, StringComparison.Ordinal);
        Assert.Contains("users different: ", ran.Output, StringComparison.Ordinal);
        await _product.AttachAsync();
        await _product.MustAsync("attach", "verify");
        await AssertSameAsync();
    }

    [Fact]
    public async Task Copies_are_changed_in_the_product_only_but_for_what_the_map_leaves_to_the_site()
    {
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (user_id, model, cost) SELECT id, 'm', 1 FROM auth.users LIMIT 1");
        await _product.AttachAsync();
        foreach (var sql in new[] { "DELETE FROM usage_logs", "UPDATE users SET email = 'x@example.test'", "TRUNCATE usage_logs", "INSERT INTO users (email) VALUES ('x')" })
        {
            var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Ours.ExecuteAsync(sql));
            Assert.Equal("UL001", refused.SqlState);
            Assert.Contains("is a copy of", refused.MessageText, StringComparison.Ordinal);
        }

        await Ours.ExecuteAsync("UPDATE users SET user_type = 'internal'");
        await Theirs.ExecuteAsync("UPDATE auth.users SET email = 'changed-' || email");
        await _product.CopyAsync();
        Assert.Equal(20L, await Ours.ScalarAsync<long>("SELECT count(*) FROM users WHERE user_type = 'internal' AND email LIKE 'changed-%'"));
        await AssertRefusedInWordsAsync();
        var retention = await _product.RunAsync("retention", "--keep", "2-months");
        Assert.Contains("usage_logs is a copy", retention.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Detaching_leaves_the_products_database_as_it_was()
    {
        var before = await _product.DumpAsync();
        await _product.AttachAsync();
        Assert.NotEqual(before, await _product.DumpAsync());
        await _product.AttachAsync();
        await _product.MustAsync("detach");
        Assert.Equal(before, await _product.DumpAsync());

        // The copies stay, and can be written; without the schema nothing is left at all.
        await Ours.ExecuteAsync("DELETE FROM users WHERE email = '1@example.test'");
        Assert.Equal(CommandLine.Trouble, (await _product.RunAsync("attach", "verify")).ExitCode);
        Npgsql.NpgsqlConnection.ClearAllPools();
        await Theirs.ExecuteAsync(Product.SqlOfDocument(1));
        Assert.Equal(_product.Untouched, await _product.DumpAsync(withOurs: true));
    }

    [Fact]
    public async Task A_truncate_that_is_not_copied_yet_is_no_difference()
    {
        await _product.AttachAsync();
        await Theirs.ExecuteAsync("INSERT INTO public.usage_logs (user_id, model, cost) SELECT (SELECT id FROM auth.users LIMIT 1), 'm', 1 FROM generate_series(1, 3)");
        await _product.CopyAsync();
        await Theirs.ExecuteAsync("TRUNCATE public.usage_logs");
        Assert.Contains("usage_logs: 0 rows of public.usage_logs compared, 0 differ, 0 could not be copied, 1 changes not copied yet", (await _product.RunAsync("attach", "verify", "--wait", "0")).Output, StringComparison.Ordinal);
        await _product.CopyAsync();
        await AssertSameAsync();
    }

    [Fact]
    public async Task The_sql_of_a_dry_run_does_the_same()
    {
        await _product.MustAsync("migrate");
        var before = await _product.DumpAsync(withOurs: true);
        var script = await _product.MustAsync("attach", "--map", await _product.WriteAsync(Product.Map), "--dry-run");
        Assert.Equal(before, await _product.DumpAsync(withOurs: true));
        await Ours.ExecuteAsync(script);
        await _product.CopyAsync();
        await _product.MustAsync("attach", "verify");
        await AssertSameAsync();
    }

    [Fact]
    public async Task A_map_that_does_not_fit_is_refused_with_the_reason()
    {
        (string Text, string Instead, string Reason)[] cases =
        [
            ("\"auth.users\"", "\"auth.people\"", "There is no table auth.people"),
            ("\"auth.users\"", "\"usage.users\"", "is in the site's own schema usage"),
            ("\"name\":", "\"nickname\":", "allowed is id, email, name, user_type, created_at"),
            ("amount_cents / 100.0", "amount / 100.0", "does not work for the column amount_usd: column \"amount\" does not exist"),
            ("lpad(to_hex(id), 32, '0')::uuid", "md5(model)::uuid", "the column id, which may use id only"),
            ("\"from\": \"auth.users\",", "\"from\": \"auth.users\", \"key\": \"created_at\",", "has no unique index on created_at alone"),
            ("\"from\": \"auth.users\",", "", "The map cannot be read"),
        ];
        var before = await _product.DumpAsync();
        await Assert.AllAsync(cases, async @case =>
        {
            var (text, instead, reason) = @case;
            var ran = await _product.RunAsync("attach", "--map", await _product.WriteAsync(Product.Map.Replace(text, instead, StringComparison.Ordinal)));
            Assert.Equal(CommandLine.Trouble, ran.ExitCode);
            Assert.Contains(reason, ran.Error, StringComparison.Ordinal);
        });
        Assert.Equal(before, await _product.DumpAsync());
    }

    [Fact]
    public async Task An_owner_from_whom_rows_may_be_hidden_attaches_nothing_and_takes_none_for_deleted()
    {
        await _product.AttachAsync();
        await Theirs.ExecuteAsync("ALTER ROLE usage_owner NOBYPASSRLS");
        Assert.Contains("Row-level security may hide rows of auth.users", (await _product.RunAsync("attach", "--map", await _product.WriteAsync(Product.Map))).Error, StringComparison.Ordinal);
        await Theirs.ExecuteAsync("UPDATE auth.users SET email = 'changed-' || email");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(_product.CopyAsync);
        Assert.Equal(20L, await Ours.ScalarAsync<long>("SELECT count(*) FROM users"));
        await Theirs.ExecuteAsync("ALTER ROLE usage_owner BYPASSRLS");
        await _product.CopyAsync();
        await AssertSameAsync();
    }

    private async Task AssertRefusedInWordsAsync()
    {
        await using var site = await Site.StartAsync(Ours);
        var (user, log) = (await Ours.ScalarAsync<Guid>("SELECT user_id FROM usage_logs"), await Ours.ScalarAsync<Guid>("SELECT id FROM usage_logs"));
        var account = await site.AddAccountAsync(AccountRole.Owner);
        var visitor = new Visitor("", account.Id, account.Email!, AccountRole.Owner, UserId: null, DateTimeOffset.MaxValue);
        await using var scope = site.Services.CreateAsyncScope();
        var version = await Ours.ScalarAsync<uint>("SELECT xmin FROM usage_logs");
        var outcome = await scope.ServiceProvider.GetRequiredService<DecisionTaker>().TakeAsync(
            new DefaultHttpContext(), visitor, new DeleteLog(user, log, version), Guid.NewGuid(), Cancellation);
        Assert.Equal((OutcomeKind.Refused, "usage_logs is a copy of public.usage_logs: change it there."), (outcome.Kind, outcome.Text));

        using var sender = await Sender.CreateAsync(site);
        var answer = await sender.PostAsync($$"""{"user_id": "{{user}}", "model": "m", "prompt_tokens": 1, "completion_tokens": 1}""");
        Assert.Contains("usage_logs is a copy of public.usage_logs: change it there.", answer.Refused(HttpStatusCode.Conflict, "copied-table").Body, StringComparison.Ordinal);
    }

    private async Task<bool> NotedAsync(long keys) =>
        await Ours.ScalarAsync<long>("SELECT (SELECT count(*) FROM attach_users) + (SELECT count(*) FROM attach_usage_logs) + (SELECT count(*) FROM attach_credit_purchases)") == keys;

    /// <summary>The oracle: the map of the document, written by hand.</summary>
    private async Task AssertSameAsync()
    {
        foreach (var (theirs, ours) in new[]
        {
            ("SELECT id, coalesce(email, id || '@no-address.invalid'), left(coalesce(raw_user_meta_data->>'full_name', ''), 200), created_at FROM auth.users",
                "SELECT id, email, name, created_at FROM usage.users"),
            ("SELECT id, user_id, coalesce(model, 'unknown'), coalesce(input_tokens, 0), coalesce(output_tokens, 0), coalesce(cost, 0)::numeric(20,10), success IS TRUE, inserted_at FROM public.usage_logs WHERE user_id IS NOT NULL",
                "SELECT ('x' || right(replace(id::text, '-', ''), 16))::bit(64)::bigint, user_id, model, prompt_tokens, completion_tokens, cost_usd, status = 'succeeded', created_at FROM usage.usage_logs WHERE credits = cost_usd * 100"),
            ("SELECT id, user_id, (amount_cents / 100.0)::numeric(20,10), credits, CASE status WHEN 'paid' THEN 'completed' WHEN 'open' THEN 'pending' ELSE status END, created_at FROM public.credit_purchases",
                "SELECT id, user_id, amount_usd, credits::numeric, status, created_at FROM usage.credit_purchases"),
        })
        {
            Assert.Equal(0L, await Theirs.ScalarAsync<long>($"SELECT count(*) FROM ((({theirs}) EXCEPT ALL ({ours})) UNION ALL (({ours}) EXCEPT ALL ({theirs}))) d"));
        }
    }
}
