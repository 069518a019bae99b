using System.Text.RegularExpressions;
using Npgsql;
using UsageLogsSite.Commands;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Attach;

/// <summary>A product with tables of its own on a server of its own, to which the site is attached by what <c>docs/attach.md</c> says.</summary>
internal sealed partial class Product : IAsyncDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-attached-{Guid.NewGuid():N}");
    private EmbeddedPostgres _server = null!;

    private Product()
    {
    }

    /// <summary>The product's database, as its superuser.</summary>
    internal PostgresDatabase Database { get; private set; } = null!;

    /// <summary>The same database, as the site's owner and with the site's schema before all others.</summary>
    internal PostgresDatabase Ours { get; private set; } = null!;

    internal static string Document { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "attach.md"));

    /// <summary>The map of the document.</summary>
    internal static string Map { get; } = Json().Match(Document).Groups[1].Value;

    /// <summary>The schema of the whole database before anything was done for the site.</summary>
    internal string Untouched { get; private set; } = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal static async Task<Product> StartAsync()
    {
        var product = new Product();
        product._server = await EmbeddedPostgres.StartAsync(product._directory, "-c fsync=off -c synchronous_commit=off", Cancellation);
        await using (var server = new PostgresDatabase(product._server.ConnectionString))
            await server.ExecuteAsync("CREATE DATABASE product");
        product.Database = new PostgresDatabase(product.To("postgres", password: null, path: null));
        product.Ours = new PostgresDatabase(product.To("usage_owner", "secret", "usage,extensions"));
        await product.Database.ExecuteAsync(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "UsageLogsSite.Tests", "Attach", "supabase.sql"), Cancellation));
        product.Untouched = await product.DumpAsync(withOurs: true);
        await product.Database.ExecuteAsync(SqlOfDocument(0));
        return product;
    }

    /// <summary>One of the document's SQL snippets, in its order.</summary>
    internal static string SqlOfDocument(int index) => Sql().Matches(Document)[index].Groups[1].Value.Replace("…", "secret", StringComparison.Ordinal);

    /// <summary>Runs one of the site's commands, as the site's owner.</summary>
    internal Task<CommandRun> RunAsync(params string[] command) => CommandRun.RunAsync([.. command, $"--ConnectionStrings:UsageLogs={Ours.ConnectionString}"]);

    /// <summary>Runs one that must do what it was asked to do.</summary>
    /// <returns>What it said.</returns>
    internal async Task<string> MustAsync(params string[] command)
    {
        var ran = await RunAsync(command);
        Assert.True((ran.ExitCode, ran.Error) == (CommandLine.Done, ""), $"{string.Join(' ', command)}: {ran.ExitCode} {ran.Output} {ran.Error}");
        return ran.Output;
    }

    /// <summary>Migrates, and attaches by a map.</summary>
    internal async Task AttachAsync(string? map = null) => await MustAsync("attach", "--map", await WriteAsync(map ?? Map));

    internal async Task<string> WriteAsync(string map)
    {
        var file = Path.Combine(_directory, $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, map, Cancellation);
        return file;
    }

    /// <summary>Copies what is noted, as a site does.</summary>
    internal Task CopyAsync() => Eventually.TrueAsync(async () => await Ours.ScalarAsync<long>("SELECT taken FROM attach_apply(1000)") == 0, "everything is copied");

    /// <summary>The schema of the whole database but for the site's own.</summary>
    internal async Task<string> DumpAsync(bool withOurs = false)
    {
        string[] without = withOurs ? [] : ["--exclude-schema=usage"];
        var text = await ProcessRun.OutputAsync(ProcessRun.PostgresClient("pg_dump", Database.ConnectionString, ["--schema-only", .. without]));

        // Newer versions guard a dump by a word of its own.
        return string.Join('\n', text.Split('\n').Where(line => !line.StartsWith(@"\restrict", StringComparison.Ordinal) && !line.StartsWith(@"\unrestrict", StringComparison.Ordinal)));
    }

    /// <summary>A connection of the product's application.</summary>
    internal async Task<NpgsqlConnection> ConnectAsync(string login)
    {
        var connection = new NpgsqlConnection(To(login, "secret", path: null));
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await Ours.DisposeAsync();
        await Database.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private string To(string role, string? password, string? path)
    {
        var settings = new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = "product" };
        if (password is not null)
            (settings.Username, settings.Password) = (role, password);
        if (path is not null)
            settings.SearchPath = path;
        return settings.ConnectionString;
    }

    [GeneratedRegex("```sql\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sql();

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Json();
}
