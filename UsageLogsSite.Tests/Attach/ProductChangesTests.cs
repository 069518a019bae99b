using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Attach;

/// <summary>What the product's own migrations and jobs do later to tables that are attached.</summary>
public sealed class ProductChangesTests : IAsyncLifetime
{
    private const string Hex = "lpad(to_hex(id), 32, '0')::uuid";

    private Product _product = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresDatabase Theirs => _product.Database;

    private PostgresDatabase Ours => _product.Ours;

    public async ValueTask InitializeAsync()
    {
        _product = await Product.StartAsync();
        await Theirs.ExecuteAsync("INSERT INTO auth.users (email) VALUES ('ann@example.test'); CREATE DOMAIN public.log_id AS integer");
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Theory]
    [InlineData("integer", "bigint", Hex, "-5", "3000000000")]
    [InlineData("smallint", "integer", Hex, "-5", "70000")]
    [InlineData("public.log_id", "bigint", Hex, "-5", "3000000000")]
    [InlineData("varchar(4)", "text", "md5(id)::uuid", "'four'", "'longer than four'")]
    [InlineData("char(4)", "char(20)", "md5(id)::uuid", "'two'", "'longer than four'")]
    public async Task A_key_that_is_widened_is_copied_on_by_index(string narrow, string wide, string id, string first, string second)
    {
        await Theirs.ExecuteAsync($"ALTER TABLE public.usage_logs ALTER id DROP IDENTITY; ALTER TABLE public.usage_logs ALTER id TYPE {narrow}");
        await using var application = await Theirs.DataSource.OpenConnectionAsync(Cancellation);
        await WriteAsync(application, $"INSERT INTO public.usage_logs (id, user_id) SELECT {first}, id FROM auth.users");
        await _product.AttachAsync(Product.Map.Replace(Hex, id, StringComparison.Ordinal));
        await WriteAsync(application, "UPDATE public.usage_logs SET model = 'm'");

        await Theirs.ExecuteAsync($"ALTER TABLE public.usage_logs ALTER id TYPE {wide}; DROP DOMAIN public.log_id");
        await WriteAsync(application, $"INSERT INTO public.usage_logs (id, user_id) SELECT {second}, id FROM auth.users");
        await WriteAsync(application, $"UPDATE public.usage_logs SET model = 'n' WHERE id = {first}");
        Assert.Equal(0L, await ScansOfCopyingAsync());
        await _product.MustAsync("attach", "verify");
        Assert.Equal(["n", "unknown"], await Ours.RowsAsync("SELECT model FROM usage_logs ORDER BY 1"));

        await WriteAsync(application, $"DELETE FROM public.usage_logs WHERE id = {first}");
        await _product.CopyAsync();
        await _product.MustAsync("attach", "verify");
    }

    [Theory]
    [InlineData("ALTER id DROP IDENTITY; ALTER TABLE public.usage_logs ALTER id TYPE text, ALTER id SET DEFAULT gen_random_uuid()::text", "md5(id)::uuid")]
    [InlineData("ALTER id DROP IDENTITY; ALTER TABLE public.usage_logs ALTER id TYPE uuid USING lpad(to_hex(id), 32, '0')::uuid, ALTER id SET DEFAULT gen_random_uuid()", "id")]
    [InlineData("RENAME id TO number", "lpad(to_hex(number), 32, '0')::uuid")]
    [InlineData("DROP COLUMN id, ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "lpad(to_hex(number), 32, '0')::uuid")]
    public async Task Writers_go_on_when_the_key_becomes_another_and_copying_says_why_it_does_not(string change, string id)
    {
        await _product.AttachAsync();
        await using var application = await Theirs.DataSource.OpenConnectionAsync(Cancellation);
        await WriteAllAsync(application);
        await _product.CopyAsync();
        await Theirs.ExecuteAsync($"ALTER TABLE public.usage_logs {change}");
        await WriteAllAsync(application);

        var trouble = await Assert.ThrowsAsync<PostgresException>(_product.CopyAsync);
        Assert.Equal("The key id of public.usage_logs has become another column or type: nothing is copied until \"attach --map\" is run again.", trouble.MessageText);
        Assert.NotEqual(CommandLine.Done, (await _product.RunAsync("attach", "verify", "--wait", "0")).ExitCode);

        await _product.AttachAsync(Product.Map.Replace(Hex, id, StringComparison.Ordinal));
        await WriteAllAsync(application);
        await _product.CopyAsync();
        await _product.MustAsync("attach", "verify");
        Assert.Equal(3L, await Ours.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE model = 'kept'"));
    }

    [Fact]
    public async Task A_key_of_a_type_that_may_be_dropped_is_refused()
    {
        await Theirs.ExecuteAsync("CREATE TYPE public.mood AS ENUM ('good'); ALTER TABLE public.usage_logs ALTER id DROP IDENTITY; ALTER TABLE public.usage_logs ALTER id TYPE public.mood USING 'good'::public.mood");
        var ran = await _product.RunAsync("attach", "--map", await _product.WriteAsync(Product.Map));
        Assert.Contains("public.usage_logs has the key id of type mood, which PostgreSQL does not have by itself", ran.Error.Replace("public.mood", "mood", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Partitions_that_go_are_noticed_by_a_sweep()
    {
        await Theirs.ExecuteAsync(
            """
            CREATE TABLE public.events (LIKE public.usage_logs INCLUDING IDENTITY, PRIMARY KEY (id, inserted_at)) PARTITION BY RANGE (inserted_at);
            CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
            CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
            CREATE TABLE public.events_3 PARTITION OF public.events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
            CREATE TABLE public.events_4 PARTITION OF public.events FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
            GRANT SELECT, TRIGGER ON public.events TO usage_owner;
            INSERT INTO public.events (user_id, inserted_at) SELECT id, make_date(2026, month, 5) FROM auth.users, generate_series(1, 4) month
            """);
        await _product.AttachAsync(Product.Map.Replace("\"from\": \"public.usage_logs\"", "\"from\": \"public.events\", \"key\": \"id\"", StringComparison.Ordinal));
        await Theirs.ExecuteAsync("DROP TABLE public.events_1; ALTER TABLE public.events DETACH PARTITION public.events_2; TRUNCATE public.events_3");
        Assert.Contains("usage_logs: 1 rows of public.events compared, 3 differ", (await _product.RunAsync("attach", "verify")).Output, StringComparison.Ordinal);

        await _product.MustAsync("attach", "sweep");
        await _product.MustAsync("attach", "verify");
        Assert.Equal(1L, await Ours.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
        Assert.Equal(CommandLine.Done, (await _product.RunAsync("rollup", "rebuild")).ExitCode);
        Assert.Equal(CommandLine.Done, (await _product.RunAsync("rollup", "verify")).ExitCode);
    }

    [Fact]
    public async Task A_publication_of_all_tables_keeps_nothing_from_being_copied()
    {
        await Theirs.ExecuteAsync("CREATE PUBLICATION everything FOR ALL TABLES");
        await _product.AttachAsync();
        await using var application = await Theirs.DataSource.OpenConnectionAsync(Cancellation);
        await WriteAllAsync(application);
        await _product.CopyAsync();
        await _product.MustAsync("attach", "verify");
    }

    /// <summary>One row more, and one that came and went.</summary>
    private static async Task WriteAllAsync(NpgsqlConnection application)
    {
        await WriteAsync(application, "INSERT INTO public.usage_logs (user_id, model) SELECT id, model FROM auth.users, unnest(ARRAY['new', 'gone']) model");
        await WriteAsync(application, "UPDATE public.usage_logs SET model = 'kept' WHERE model = 'new'");
        await WriteAsync(application, "DELETE FROM public.usage_logs WHERE model = 'gone'");
    }

    private static async Task WriteAsync(NpgsqlConnection application, string sql)
    {
        await using var command = new NpgsqlCommand(sql, application);
        Assert.NotEqual(0, await command.ExecuteNonQueryAsync(Cancellation));
    }

    /// <summary>Copies what is noted.</summary>
    /// <returns>How often that read the whole of the product's table.</returns>
    private async Task<long> ScansOfCopyingAsync()
    {
        await using var connection = await Ours.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var copy = new NpgsqlCommand(
            "SELECT attach_apply(1000); SELECT seq_scan FROM pg_stat_xact_all_tables WHERE relid = 'public.usage_logs'::regclass", connection);
        await using var reader = await copy.ExecuteReaderAsync(Cancellation);
        await reader.NextResultAsync(Cancellation);
        await reader.ReadAsync(Cancellation);
        var scans = reader.GetInt64(0);
        await reader.DisposeAsync();
        await transaction.CommitAsync(Cancellation);
        return scans;
    }
}
