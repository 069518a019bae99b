using System.Diagnostics;
using System.Text.RegularExpressions;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Ingest;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Docs;

/// <summary>What <c>docs/ingest.md</c> and the README say about the ingest API is what works: their snippets are run.</summary>
public sealed class IngestDocTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string Document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "ingest.md"));

    [Theory]
    [InlineData("docs/ingest.md", 3)]
    [InlineData("README.md", 1)]
    public async Task The_snippets_for_curl_write_rows_each_once(string file, int rows)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, file), Cancellation);
        var snippet = Regex.Matches(text, "```sh\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value).Single(s => s.Contains("curl", StringComparison.Ordinal));
        snippet = string.Join('\n', snippet.Split('\n').Where(line => !line.StartsWith("dotnet run", StringComparison.Ordinal)));
        for (var run = 0; run < 2; run++)
        {
            var output = await ShellAsync(snippet, ("USAGE_KEY", shop.Key), ("USAGE_SITE", site.Address.GetLeftPart(UriPartial.Authority)), ("USER_ID", ann.ToString()));
            var told = Regex.Matches(snippet, "^# (.*)$", RegexOptions.Multiline).Select(m => m.Groups[1].Value).ToList();
            if (run == 0 && told.Count > 0)
                Assert.Equal(string.Concat(told), output);
        }

        Assert.Equal((long)rows, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
    }

    [Fact]
    public async Task The_snippet_for_csharp_writes_rows_each_once()
    {
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "UsageLogsSite.Tests", "Docs", "IngestSnippet.cs"), Cancellation);
        Assert.Contains(source[source.IndexOf("internal sealed class", StringComparison.Ordinal)..].TrimEnd(), Document, StringComparison.Ordinal);

        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        using var http = site.ClientOf(cookie: null);
        http.DefaultRequestHeaders.Authorization = new("Bearer", shop.Key);
        var sender = new UsageSender(http);
        var logs = Enumerable.Range(0, 50).Select(i => new UsageLogLine($"r{i}", ann, "sage-3", i, i, 1.5m, 0.01m, DateTimeOffset.Now)).ToList();
        await sender.WriteAsync(logs, Cancellation);
        await sender.WriteAsync(logs, Cancellation);
        Assert.Equal(50L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));
        var wrong = await Assert.ThrowsAsync<InvalidOperationException>(() => sender.WriteAsync([logs[0] with { Model = "" }], Cancellation));
        Assert.Contains("1 to 200 characters", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_readmes_snippet_for_csharp_writes_a_row_once()
    {
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "UsageLogsSite.Tests", "Docs", "ReadmeSnippet.cs"), Cancellation);
        var snippet = source.Split('\n').Where(line => line.StartsWith("        ", StringComparison.Ordinal)).Select(line => line.Trim());
        Assert.Contains($"```csharp\n{string.Join('\n', snippet)}\n```", await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), Cancellation), StringComparison.Ordinal);

        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        using var http = site.ClientOf(cookie: null);
        http.DefaultRequestHeaders.Authorization = new("Bearer", shop.Key);
        await ReadmeSnippet.WriteAsync(http, ann);
        await ReadmeSnippet.WriteAsync(http, ann);
        Assert.Equal(1500L, await Database.ScalarAsync<long>("SELECT sum(prompt_tokens + completion_tokens) FROM usage_logs"));
    }

    [Fact]
    public void It_names_every_field_problem_and_scope()
    {
        foreach (var kind in RowKind.All)
        {
            Assert.Contains(kind.Address, Document, StringComparison.Ordinal);
            Assert.Contains(kind.Scope, Document, StringComparison.Ordinal);
            Assert.All(kind.Fields, field => Assert.Contains($"`{field.Name}`", Document, StringComparison.Ordinal));
        }

        var source = File.ReadAllText(Path.Combine(Repository.Root, "UsageLogsSite", "Ingest", "IngestRefusal.cs"));
        var problems = Regex.Matches(source, "\\d{3}, \"([a-z-]+)\"").Select(m => m.Groups[1].Value).ToList();
        Assert.True(problems.Count >= 9, string.Join(' ', problems));
        Assert.All(problems, problem => Assert.Contains($"`{problem}`", Document, StringComparison.Ordinal));
    }

    private static async Task<string> ShellAsync(string script, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("sh", ["-eu"]);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var ran = await ProcessRun.OfAsync(start, script);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        return ran.Output;
    }
}
