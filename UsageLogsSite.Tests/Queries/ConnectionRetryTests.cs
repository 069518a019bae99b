using Npgsql;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Queries;

/// <summary>A server that ends all connections is noticed by nobody who asks.</summary>
public sealed class ConnectionRetryTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const int Askers = 30;

    [Fact]
    public async Task All_who_lose_their_connections_at_once_are_answered()
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(Database.ConnectionString) { MaxPoolSize = Askers, ApplicationName = "askers" }.ConnectionString);
        var before = await AskAsync(source);
        Assert.Equal(Askers, before.Distinct().Count());
        for (var round = 0; round < 3; round++)
        {
            await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'askers'");
            var after = await AskAsync(source);
            Assert.Empty(after.Intersect(before));
            before = after;
        }
    }

    /// <summary>As many at the same time as there are connections.</summary>
    private static Task<int[]> AskAsync(NpgsqlDataSource source) =>
        Task.WhenAll(Enumerable.Range(0, Askers).Select(_ => Task.Run(() => ConnectionRetry.RunAsync(source, async () =>
        {
            await using var command = source.CreateCommand("SELECT pg_backend_pid() FROM pg_sleep(0.2)");
            return (int)(await command.ExecuteScalarAsync(Cancellation))!;
        }))));
}
