using UsageLogsSite.Commands;

namespace UsageLogsSite.Tests.Attach;

/// <summary>When something happened does not depend on the session that reads it.</summary>
public sealed class MomentTests : IAsyncLifetime
{
    private Product _product = null!;

    public async ValueTask InitializeAsync()
    {
        _product = await Product.StartAsync();
        await _product.Database.ExecuteAsync(
            """
            ALTER TABLE public.usage_logs ALTER inserted_at TYPE timestamp USING inserted_at AT TIME ZONE 'UTC';
            INSERT INTO auth.users (email) VALUES ('ann@example.test');
            INSERT INTO public.usage_logs (user_id, inserted_at) SELECT id, '2026-01-31 23:30' FROM auth.users;
            ALTER ROLE usage_owner SET TimeZone = 'Asia/Tokyo'
            """);
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Theory]
    [InlineData("inserted_at", "timestamp without time zone")]
    [InlineData("inserted_at::date", "date")]
    public async Task A_time_without_a_zone_is_refused_with_what_to_write_instead(string expression, string type)
    {
        var ran = await _product.RunAsync("attach", "--map", await _product.WriteAsync(MapWith(expression)));
        Assert.Equal(CommandLine.Trouble, ran.ExitCode);
        Assert.Contains($"The map of usage_logs gives created_at a {type}", ran.Error, StringComparison.Ordinal);
        Assert.Contains($"write ({expression}) AT TIME ZONE 'UTC'", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(inserted_at) AT TIME ZONE 'UTC'")]
    [InlineData("inserted_at::timestamptz")]
    public async Task Whoever_copies_or_compares_reads_the_same_moment(string expression)
    {
        await _product.AttachAsync(MapWith(expression));
        await _product.Database.ExecuteAsync("ALTER ROLE usage_owner SET TimeZone = 'America/New_York'; UPDATE public.usage_logs SET model = 'm'");
        await _product.CopyAsync();
        Assert.True(await _product.Ours.ScalarAsync<bool>("SELECT created_at = '2026-01-31 23:30Z' AND model = 'm' FROM usage_logs"));
        Assert.True(await _product.Ours.ScalarAsync<bool>("SELECT to_regclass('usage_logs_y2026m01') IS NOT NULL"));
        await _product.MustAsync("attach", "verify");
    }

    private static string MapWith(string expression) => Product.Map.Replace("\"inserted_at\"", $"\"{expression}\"", StringComparison.Ordinal);
}
