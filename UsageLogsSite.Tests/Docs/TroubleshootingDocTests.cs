using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Docs;

/// <summary>What <c>docs/troubleshooting.md</c> has an operator ask the database is answered.</summary>
public sealed class TroubleshootingDocTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string Document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "troubleshooting.md"));

    private static string[] Statements =>
        [.. Regex.Matches(Document, "```sql\n(.*?)```", RegexOptions.Singleline)
            .SelectMany(block => Regex.Replace(block.Groups[1].Value, "--[^\n]*", "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    [Fact]
    public async Task Every_statement_is_one_that_the_owner_can_run()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        Assert.NotEmpty(Statements);
        foreach (var statement in Statements)
            await AskAsync(statement);
    }

    [Fact]
    public async Task The_triggers_that_must_be_enabled_are_all_listed()
    {
        var rows = await AskAsync(Statements.Single(statement => statement.Contains("pg_trigger", StringComparison.Ordinal)));
        foreach (var table in new[] { "users", "usage_logs", "credit_purchases" })
        {
            foreach (var change in new[] { "inserted", "updated", "deleted", "truncated" })
                Assert.Contains($"{table}|{table}_{change}|O", rows);
        }
    }

    [Fact]
    public async Task The_elected_fold_is_found_by_its_lock()
    {
        var question = Statements.Single(statement => statement.Contains("pg_locks", StringComparison.Ordinal)) + " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        Assert.Empty(await AskAsync(question));
        await using var site = await Site.StartAsync(Database);
        await Eventually.TrueAsync(async () => (await AskAsync(question)).Count == 1, "the fold is elected");
        var elected = Assert.Single(await AskAsync(question));
        Assert.Contains(elected, (await AskAsync(Statements.Single(statement => statement.Contains("application_name", StringComparison.Ordinal)))).Select(row => row.Split('|')[0]));
    }

    /// <summary>Rows as psql prints them, whatever their types.</summary>
    private async Task<List<string>> AskAsync(string sql)
    {
        await using var command = Database.DataSource.CreateCommand(sql);
        command.AllResultTypesAreUnknown = true;
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancellation))
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(reader.GetValue)));
        return rows;
    }
}
