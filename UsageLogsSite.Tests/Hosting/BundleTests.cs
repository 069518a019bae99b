using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Migrations;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>Migrations without the program (<c>docs/operations/install.md</c>): they make the schema that <c>migrate</c> makes.</summary>
public sealed class BundleTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private readonly string _directory = Directory.CreateTempSubdirectory("usage-logs-site-bundle-").FullName;

    public override async ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public Task What_the_bundle_runs_makes_the_schema_of_migrate() => AssertSameSchemaAsync(async () =>
    {
        await using var context = new DesignTimeFactory().CreateDbContext([]);
        context.Database.SetConnectionString(Database.ConnectionString);
        await context.Database.MigrateAsync(Cancellation);
    });

    [Fact(Skip = "Builds for a minute: ./test.sh --long", SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task So_does_the_bundle_whose_making_leaves_lock_files_alone()
    {
        Repository.CopyTo(_directory, "Migrations", "UsageLogsSite.Data", ".config", ".editorconfig", "global.json", "Directory.Build.props", "Directory.Packages.props");
        var commands = Repository.ShellCommands("docs/operations/install.md", "migrations bundle");
        await RunAsync("bash", "-euc", commands[..commands.IndexOf("./usage-logs-migrate", StringComparison.Ordinal)]);
        Assert.All(new[] { "Migrations", "UsageLogsSite.Data" }, project => Assert.Equal(
            File.ReadAllText(Path.Combine(Repository.Root, project, "packages.lock.json")), File.ReadAllText(Path.Combine(_directory, project, "packages.lock.json"))));
        await AssertSameSchemaAsync(() => RunAsync(Path.Combine(_directory, "usage-logs-migrate"), "--connection", Database.ConnectionString));
    }

    private async Task AssertSameSchemaAsync(Func<Task> migrate)
    {
        await EmptyAsync();
        Assert.Equal(0, (await CommandRun.RunAsync("migrate", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}")).ExitCode);
        var expected = await SchemaAsync();
        Assert.Contains("CREATE TABLE public.usage_logs (", expected);

        await EmptyAsync();
        await migrate();
        Assert.Equal(expected, await SchemaAsync());

        await EmptyAsync();
        await using (var context = UsageDatabase.CreateContext(Database.DataSource))
            await context.Database.MigrateAsync("Activity", Cancellation);
        await Database.AddUsersAsync(50);
        await migrate();
        Assert.Equal(expected, await SchemaAsync());
        Assert.Equal(50L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
    }

    private Task<int> EmptyAsync() => Database.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

    /// <summary>The schema without the months' partitions, of which <c>migrate</c> makes some ahead, and without what differs in every dump.</summary>
    private async Task<string[]> SchemaAsync()
    {
        var dump = await ProcessRun.OutputAsync(ProcessRun.PostgresClient("pg_dump", Database.ConnectionString, "--schema-only", "--exclude-table", "usage_logs_y*"));
        return [.. dump.Split('\n').Where(line => !line.StartsWith('\\'))];
    }

    private Task RunAsync(string program, params string[] args) => ProcessRun.OutputAsync(new ProcessStartInfo(program, args) { WorkingDirectory = _directory });
}
