using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Filters;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>A server that has never seen the site, an owner who is no superuser, and the SQL of the README.</summary>
public sealed partial class HardenedTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-hardened-{Guid.NewGuid():N}");
    private EmbeddedPostgres _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await EmbeddedPostgres.StartAsync(_directory, "-c fsync=off -c log_statement=all -c log_parameter_max_length=-1 -c log_min_duration_statement=0", Cancellation);
        await AsDbaAsync("CREATE ROLE owner LOGIN PASSWORD 'own'");
        await AsDbaAsync("CREATE DATABASE product OWNER owner");
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_site_that_never_has_the_owners_rights_does_its_work()
    {
        await using var database = new PostgresDatabase(To("owner", "own"));
        var refused = await CommandRun.RunAsync("migrate", $"--ConnectionStrings:UsageLogs={database.ConnectionString}");
        Assert.Equal(CommandLine.Trouble, refused.ExitCode);
        Assert.Contains("CREATE ROLE usage_rollup NOLOGIN; CREATE ROLE usage_admin NOLOGIN;", refused.Error, StringComparison.Ordinal);

        await AsDbaAsync((await SqlOfReadmeAsync()).Replace("…", "secret", StringComparison.Ordinal));
        await MustAsync(database, "migrate");
        await MustAsync(database, "seed", "--users", "40", "--logs", "500", "--purchases", "30");
        await AsDbaAsync("CREATE ROLE app LOGIN PASSWORD 'app' IN ROLE usage_writer");

        var partition = await database.ScalarAsync<string>("SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass AND inhrelid::regclass::text LIKE '%\\_y%'");
        await database.ExecuteAsync($"DROP TABLE {partition}");
        await using var site = await Site.StartAsync(database, new()
        {
            ["ConnectionStrings:UsageLogs"] = "",
            ["ConnectionStrings:Admin"] = To("site_admin", "secret"),
            ["ConnectionStrings:Member"] = To("site_member", "secret"),
            ["ConnectionStrings:Rollup"] = To("site_rollup", "secret"),
            ["ConnectionStrings:Ingest"] = To("site_ingest", "secret"),
        });
        await Eventually.TrueAsync(() => database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_class WHERE relname = $1 AND relforcerowsecurity)", partition), "the partition is made");
        await AssertServesAsync(site, requests: 500);

        await using (var app = new PostgresDatabase(To("app", "app")))
            await app.AddLogAsync(await app.AddUserAsync("Ann"));
        await site.FoldedAsync();
        await AssertServesAsync(site, requests: 501);
        await Totals.AssertExactAsync(database);

        var jobs = site.Services.GetRequiredService<RollupJobs>();
        foreach (var kind in new[] { RollupJobKind.Rebuild, RollupJobKind.Verify })
        {
            jobs.Start(kind);
            await Eventually.TrueAsync(() => jobs.Last is { IsRunning: false }, $"{kind} is done");
            Assert.Equal((null, 0L), (jobs.Last!.Failure, jobs.Last.DifferenceCount));
        }

        Assert.Empty(site.Logs.Errors);
        await MustAsync(database, "retention", "--keep", "2-months");
        await MustAsync(database, "rollup", "verify");
        await MustAsync(database, "rollup", "rebuild");
    }

    [Fact]
    public async Task An_owner_who_may_make_roles_needs_no_more_than_one_connection_string_and_no_log_learns_a_password()
    {
        await AsDbaAsync("ALTER ROLE owner CREATEROLE");
        await using var database = new PostgresDatabase(To("owner", "own"));
        await using (var site = await Site.StartAsync(database, new() { ["Database:MigrateOnStartup"] = "true", ["Demo:Data"] = "true" }))
            await AssertServesAsync(site, requests: 20_000);
        await Totals.AssertExactAsync(database);

        var log = await File.ReadAllTextAsync(Path.Combine(_directory, "server.log"), Cancellation);
        Assert.Contains("CREATE ROLE \"usage_member_product\" LOGIN PASSWORD 'SCRAM-SHA-256$", log, StringComparison.Ordinal);
        var passwords = await database.RowsAsync("SELECT password FROM site_logins");
        Assert.Equal(4, passwords.Distinct().Count());
        Assert.All(passwords, password => Assert.DoesNotContain(password, log, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Databases_that_are_migrated_together_make_the_roles_once()
    {
        await AsDbaAsync("ALTER ROLE owner CREATEROLE");
        var names = Enumerable.Range(0, 4).Select(i => $"product_{i}").ToList();
        foreach (var name in names)
            await AsDbaAsync($"CREATE DATABASE {name} OWNER owner");
        await Task.WhenAll(names.Select(async name =>
        {
            await using var database = new PostgresDatabase(new NpgsqlConnectionStringBuilder(To("owner", "own")) { Database = name }.ConnectionString);
            await database.MigrateAsync();
            await Preparation.RunAsync(database, []);
        }));
    }

    [Fact]
    public async Task An_owner_who_may_make_no_logins_is_told_what_to_do()
    {
        await AsDbaAsync("ALTER ROLE owner CREATEROLE");
        await using var database = new PostgresDatabase(To("owner", "own"));
        await MustAsync(database, "migrate");
        await AsDbaAsync("ALTER ROLE owner NOCREATEROLE");
        var refusal = await Assert.ThrowsAsync<StartupException>(() => Preparation.RunAsync(database, []));
        Assert.Contains("could not make the logins", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("CREATE ROLE site_member LOGIN PASSWORD '…' IN ROLE usage_member;", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logins_that_the_server_does_not_let_in_are_named()
    {
        await AsDbaAsync("ALTER ROLE owner CREATEROLE");
        var hba = Path.Combine(_directory, "data", "pg_hba.conf");
        await File.WriteAllTextAsync(hba, $"host all usage_admin_product 127.0.0.1/32 reject\n{await File.ReadAllTextAsync(hba, Cancellation)}", Cancellation);
        await AsDbaAsync("SELECT pg_reload_conf()");
        await using var database = new PostgresDatabase(To("owner", "own"));
        var refusal = await Assert.ThrowsAsync<StartupException>(() => Preparation.RunAsync(database, []));
        Assert.Contains("The site's own login usage_admin_product cannot be used", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("pg_hba.conf", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task AssertServesAsync(Site site, long requests)
    {
        var table = site.Services.GetRequiredService<UsageTable>();
        await Eventually.TrueAsync(async () => (await table.ReadAsync(new UsageFilter(), Cancellation)).Summary.Requests == requests, $"{requests} requests are shown");
        using var ready = await site.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.True(ready.IsSuccessStatusCode);
    }

    private static async Task MustAsync(PostgresDatabase database, params string[] command)
    {
        var ran = await CommandRun.RunAsync([.. command, $"--ConnectionStrings:UsageLogs={database.ConnectionString}"]);
        Assert.Equal((CommandLine.Done, ""), (ran.ExitCode, ran.Error));
    }

    private static async Task<string> SqlOfReadmeAsync()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), Cancellation);
        return Hardened().Match(readme).Groups[1].Value;
    }

    private string To(string role, string password) =>
        new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = "product", Username = role, Password = password }.ConnectionString;

    private async Task AsDbaAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_server.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    [GeneratedRegex(@"\*\*Hardened\.\*\*[^`]*```sql\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Hardened();
}
