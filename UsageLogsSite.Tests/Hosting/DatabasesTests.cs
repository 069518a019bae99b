using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

public sealed class DatabasesTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task The_server_notices_soon_that_an_elected_machine_is_gone()
    {
        await using var site = await Site.StartAsync(Database, new() { ["ConnectionStrings:UsageLogs"] = $"{Database.ConnectionString};Options=-c work_mem=7MB" });
        await using var connection = await site.Services.GetRequiredService<Databases>().Rollup.OpenConnectionAsync(Cancellation);
        foreach (var (name, value) in new[] { ("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "1"), ("tcp_keepalives_count", "3"), ("tcp_user_timeout", "8000"), ("work_mem", "7MB") })
        {
            await using var show = new Npgsql.NpgsqlCommand($"SHOW {name}", connection);
            Assert.Equal(value, await show.ExecuteScalarAsync(Cancellation));
        }
    }
}
