using UsageLogsSite.Commands;

namespace UsageLogsSite.Tests.Attach;

/// <summary>A schema that the site shares with tables and functions of others, which may have names such as ours.</summary>
public sealed class NamesTests : IAsyncLifetime
{
    private const string OfOthers = "SELECT (SELECT string_agg(note, '') FROM usage.attach_notes) || usage.attach_file('a') || has_function_privilege('anon', 'usage.attach_file(text)', 'EXECUTE')";

    private Product _product = null!;

    public async ValueTask InitializeAsync()
    {
        _product = await Product.StartAsync();
        await _product.MustAsync("migrate");
        await _product.Database.ExecuteAsync(
            """
            CREATE TABLE usage.attach_notes AS SELECT 'kept ' AS note;
            CREATE FUNCTION usage.attach_file(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
            ALTER TABLE usage.attach_notes OWNER TO usage_owner;
            ALTER FUNCTION usage.attach_file OWNER TO usage_owner
            """);
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task Attaching_and_detaching_touch_only_what_attaching_has_made()
    {
        await _product.AttachAsync();
        await _product.AttachAsync();
        Assert.Equal("kept atrue", await _product.Database.ScalarAsync<string>(OfOthers));
        await _product.MustAsync("detach");
        Assert.Equal("kept atrue", await _product.Database.ScalarAsync<string>(OfOthers));
        Assert.Equal(
            ["attach_file", "attach_notes"],
            await _product.Database.RowsAsync("SELECT proname::text FROM pg_proc WHERE proname LIKE 'attach%' AND pronamespace = 'usage'::regnamespace UNION ALL SELECT relname FROM pg_class WHERE relname LIKE 'attach%' AND relkind = 'r'"));
    }

    [Theory]
    [InlineData("attachments", "CREATE TABLE usage.attachments AS SELECT 'photo.jpg' AS target")]
    [InlineData("attach_users", "CREATE TABLE usage.attach_users AS SELECT 1 AS id")]
    [InlineData("attach_apply", "CREATE FUNCTION usage.attach_apply(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1/0'")]
    public async Task A_name_that_somebody_else_has_is_refused_in_words_and_stays_theirs(string name, string made)
    {
        await _product.Ours.ExecuteAsync(made);
        var before = await _product.DumpAsync(withOurs: true);
        var ran = await _product.RunAsync("attach", "--map", await _product.WriteAsync(Product.Map));
        Assert.Equal(CommandLine.Trouble, ran.ExitCode);
        Assert.Contains($"The schema usage has {name} already, which attaching has not made.", ran.Error, StringComparison.Ordinal);
        await _product.MustAsync("detach");
        Assert.Equal(before, await _product.DumpAsync(withOurs: true));
        Assert.Contains("Nothing is attached", (await _product.RunAsync("attach", "verify")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_of_our_own_are_not_lost_to_a_table_that_is_attached_later()
    {
        var maps = Product.Map[..Product.Map.IndexOf(",\n  \"credit_purchases\"", StringComparison.Ordinal)] + "\n}";
        await _product.Database.ExecuteAsync("INSERT INTO auth.users (email) VALUES ('ann@example.test')");
        await _product.AttachAsync(maps);
        await _product.Ours.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd) SELECT id, 5 FROM users");
        var ran = await _product.RunAsync("attach", "--map", await _product.WriteAsync(Product.Map));
        Assert.Contains("The site's table credit_purchases has rows of its own", ran.Error, StringComparison.Ordinal);
        await _product.AttachAsync(maps);
        Assert.Equal(1L, await _product.Ours.ScalarAsync<long>("SELECT count(*) FROM credit_purchases"));
    }
}
