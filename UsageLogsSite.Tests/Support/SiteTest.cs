namespace UsageLogsSite.Tests.Support;

/// <summary>A test with a database of its own.</summary>
public abstract class SiteTest(PostgresCluster cluster) : IAsyncLifetime
{
    private protected PostgresCluster Cluster => cluster;

    private protected PostgresDatabase Database { get; private set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public virtual async ValueTask InitializeAsync() => Database = await cluster.CreateDatabaseAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
