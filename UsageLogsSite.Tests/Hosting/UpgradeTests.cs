using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What <c>docs/operations/upgrade.md</c> says: the schema is migrated under applications that write.</summary>
public sealed class UpgradeTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private const int Writers = 2;

    private static readonly int Logs = Run.IsLong ? 1_000_000 : 20_000;

    private readonly string _application = $"app_{Guid.NewGuid():N}";
    private readonly Dictionary<string, int> _refusals = [];
    private int _written;

    public override async ValueTask DisposeAsync()
    {
        await Database.ExecuteAsync($"DROP OWNED BY {_application}; DROP ROLE {_application}");
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("Initial")]
    [InlineData("Accounts")]
    public async Task A_schema_of_an_older_version_is_brought_up_to_date_while_an_application_writes(string older)
    {
        await MakeOlderAsync(older);
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writers = Enumerable.Range(0, Writers).Select(i => WriteAsync(i, stopped.Token)).ToList();
        await Eventually.TrueAsync(() => Volatile.Read(ref _written) > 20, "the application writes");

        var settings = new Dictionary<string, string> { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString, ["Database:MigrateOnStartup"] = "false" };
        var (exitCode, output, error) = await published.RunAsync(settings, "migrate");
        Assert.True(exitCode == 0, error);
        Assert.Contains("up to date", output, StringComparison.Ordinal);
        var before = Volatile.Read(ref _written);
        await Eventually.TrueAsync(() => Volatile.Read(ref _written) > before + 20, "the application writes on");
        Assert.Equal(0, (await published.RunAsync(settings, "rollup", "verify")).ExitCode);

        await using var site = await published.StartAsync(settings);
        before = Volatile.Read(ref _written);
        await Eventually.TrueAsync(() => Volatile.Read(ref _written) > before + 20, "it writes under the new site too");
        await stopped.CancelAsync();
        await Task.WhenAll(writers);
        await Totals.AssertExactAsync(Database);

        // Every row that the application was told is there, and none besides; it was told of trouble only by what the notes name.
        Assert.Equal(_written, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE model = 'live'"));
        Assert.Equal(Logs, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE model = 'old'"));
        Assert.All(_refusals, refusal => Assert.Contains(refusal.Key, new[] { PostgresErrorCodes.SerializationFailure, PostgresErrorCodes.DeadlockDetected, PostgresErrorCodes.UndefinedColumn }));
        TestContext.Current.SendDiagnosticMessage("{0} rows written, refused: {1}", _written, string.Join(", ", _refusals.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key} {r.Value} times"))));
    }

    /// <summary>What a site of then left: its schema, half a year of rows, and an application with rights of its own.</summary>
    private async Task MakeOlderAsync(string migration)
    {
        await Database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC");
        await using var context = UsageDatabase.CreateContext(Database.DataSource);
        await context.Database.MigrateAsync(migration, Cancellation);
        await Database.AddUsersAsync(200);
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await Database.ExecuteAsync(
            """
            INSERT INTO usage_logs (user_id, model, prompt_tokens, credits, cost_usd, created_at)
            SELECT u.id, 'old', i % 900, 0.25, 0.001 * (i % 77), now() - i % 180 * interval '1 day'
            FROM generate_series(1, $1) i JOIN (SELECT id, row_number() OVER () - 1 AS n FROM users) u ON u.n = i % 200
            """,
            Logs);
        await Database.ExecuteAsync("INSERT INTO credit_purchases (user_id, amount_usd, credits, status) SELECT id, 9.99, 1000, 'completed' FROM users");
        await Database.ExecuteAsync(
            $"CREATE ROLE {_application} LOGIN PASSWORD 'secret'; GRANT SELECT ON users TO {_application}; GRANT SELECT, INSERT, UPDATE, DELETE ON usage_logs, credit_purchases TO {_application}");
    }

    private async Task WriteAsync(int seed, CancellationToken stopped)
    {
        var random = new Random(seed);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Username = _application, Password = "secret" }.ConnectionString);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!stopped.IsCancellationRequested)
        {
            await pace.WaitForNextTickAsync(Cancellation);
            var anyUser = $"(SELECT id FROM users ORDER BY email OFFSET {random.Next(200)} LIMIT 1)";
            try
            {
                await using var insert = source.CreateCommand($"INSERT INTO usage_logs (user_id, model, cost_usd) VALUES ({anyUser}, 'live', 0.0{random.Next(1, 1000):D3})");
                await insert.ExecuteNonQueryAsync(Cancellation);
                Interlocked.Increment(ref _written);
                await using var change = source.CreateCommand(random.Next(2) == 0
                    ? $"UPDATE credit_purchases SET status = 'refunded' WHERE user_id = {anyUser}"
                    : $"UPDATE usage_logs SET cost_usd = cost_usd + 1 WHERE user_id = {anyUser} AND created_at > now() - interval '2 days'");
                await change.ExecuteNonQueryAsync(Cancellation);
            }
            catch (PostgresException e)
            {
                lock (_refusals)
                    _refusals[e.SqlState] = _refusals.GetValueOrDefault(e.SqlState) + 1;
            }
        }
    }
}
