using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>The site in a schema of its own: <c>Search Path</c>.</summary>
public sealed class SchemasTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task Two_sites_in_one_database_each_fold_their_own()
    {
        // The extension for searches is where the first site's migration has put it.
        await using var second = new PostgresDatabase(new NpgsqlConnectionStringBuilder(Database.ConnectionString) { SearchPath = "second,public" }.ConnectionString);
        Assert.Equal(CommandLine.Done, (await CommandRun.RunAsync("migrate", $"--ConnectionStrings:UsageLogs={second.ConnectionString}")).ExitCode);
        await using var site = await Site.StartAsync(Database);
        await using var other = await Site.StartAsync(second);
        await Database.AddLogAsync(await Database.AddUserAsync("Ann"));
        await second.AddLogAsync(await second.AddUserAsync("Bob"));
        await second.AddLogAsync(await second.AddUserAsync("Cid"));
        await site.FoldedAsync();
        await other.FoldedAsync();
        await Totals.AssertExactAsync(Database);
        await Totals.AssertExactAsync(second);
        Assert.Equal((1L, 2L), (await Database.ScalarAsync<long>("SELECT count(*) FROM usage_totals"), await second.ScalarAsync<long>("SELECT count(*) FROM usage_totals")));
        Assert.Contains("Bob", (await other.GetPageAsync("/usage")).Body!.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain("Bob", (await site.GetPageAsync("/usage")).Body!.TextContent, StringComparison.Ordinal);
        Assert.Empty(site.Logs.Errors.Concat(other.Logs.Errors));
    }

    [Fact]
    public async Task Connection_strings_that_lead_to_several_schemas_are_refused()
    {
        var refusal = await Assert.ThrowsAsync<StartupException>(() => Preparation.RunAsync(
            Database, new() { ["ConnectionStrings:Member"] = new NpgsqlConnectionStringBuilder(Database.ConnectionString) { SearchPath = "usage" }.ConnectionString }));
        Assert.Contains("ConnectionStrings:UsageLogs leads to the schema public, and :Member to usage", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "public")]
    [InlineData("usage", "usage")]
    [InlineData(" \"usage\" , extensions", "usage")]
    [InlineData("\"$user\", public", "public")]
    public void The_schema_is_the_first_of_the_search_path(string? path, string schema) =>
        Assert.Equal(schema, DatabaseSchema.Of(new NpgsqlConnectionStringBuilder("Host=x") { SearchPath = path }.ConnectionString));

    [Theory]
    [InlineData("Usage")]
    [InlineData("a-b")]
    [InlineData("a; DROP TABLE users")]
    public void A_schema_whose_name_needs_quotes_is_refused(string path) =>
        Assert.Throws<FormatException>(() => DatabaseSchema.Of(new NpgsqlConnectionStringBuilder("Host=x") { SearchPath = path }.ConnectionString));
}
