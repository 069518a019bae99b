using Microsoft.Extensions.Configuration;
using Npgsql;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>A test with a database, and the site's ways into it.</summary>
public abstract class RoleTest(PostgresCluster cluster) : SiteTest(cluster)
{
    private protected Databases Databases { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Databases = Open(Database.ConnectionString);
    }

    public override async ValueTask DisposeAsync()
    {
        await Databases.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>What a site has that is given the owner's connection only.</summary>
    private protected static Databases Open(string owner) => Databases.OfSite(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:UsageLogs"] = owner }).Build());

    /// <summary>A user with rows in every table that members may read, after <see cref="FoldAsync"/>.</summary>
    private protected async Task<Guid> AddCustomerAsync(string name, int logs)
    {
        var user = await Database.AddUserAsync(name);
        for (var i = 0; i < logs; i++)
            await Database.AddLogAsync(user, at: DateTime.UtcNow.AddDays(-i));
        await Database.AddPurchaseAsync(user, 10 * logs, "completed");
        return user;
    }

    private protected async Task FoldAsync()
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await new Fold(connection, 100_000).RebuildAsync(Cancellation);
    }

    /// <summary>Runs statements in one transaction of a role, which is taken back, and gives the first value of the last.</summary>
    private protected static async Task<T> AskAsync<T>(NpgsqlDataSource source, params string[] statements)
    {
        await using var connection = await source.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        object? answer = null;
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            answer = await command.ExecuteScalarAsync(Cancellation);
        }

        return (T)answer!;
    }

    /// <summary>Asserts that the last of some statements is refused, and tells how.</summary>
    private protected static async Task<string> RefusedAsync(NpgsqlDataSource source, params string[] statements) =>
        (await Assert.ThrowsAsync<PostgresException>(() => AskAsync<object?>(source, statements))).SqlState;

    private protected static string Identify(object user) => $"SELECT set_config('usage.user_id', '{user}', true)";
}
