using System.Text.RegularExpressions;
using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What containers and systemd are given. No container is built here.</summary>
public sealed partial class PackagingTests(PostgresCluster cluster, PublishedApp app) : SiteTest(cluster)
{
    [Fact]
    public void The_dockerfile_copies_what_there_is_and_dockerignore_lets_in()
    {
        var allowed = File.ReadAllLines(Path.Combine(Repository.Root, ".dockerignore")).Where(line => line.StartsWith('!')).Select(line => line[1..]).ToList();
        var sources = Copies().Matches(File.ReadAllText(Path.Combine(Repository.Root, "Dockerfile")))
            .SelectMany(match => match.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..^1]).ToList();
        Assert.Contains("wwwroot", sources);
        Assert.All(sources, source =>
        {
            Assert.True(Path.Exists(Path.Combine(Repository.Root, source)), $"{source} is there");
            Assert.Contains(source.Split('/')[0], allowed);
        });

        // Every project that the site needs, restored from its lock file.
        Assert.All(new[] { "UsageLogsSite", "UsageLogsSite.Data", "Migrations" }, project => Assert.Contains($"{project}/packages.lock.json", sources));
    }

    [Fact]
    public async Task A_published_site_takes_its_secrets_from_files_and_says_whether_it_is_ready()
    {
        var secrets = Directory.CreateTempSubdirectory("usage-logs-site-secrets-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(secrets, "ConnectionStrings__UsageLogs"), Database.ConnectionString + "\n", Cancellation);
            string address;
            await using (var running = await app.StartAsync(new() { ["CREDENTIALS_DIRECTORY"] = secrets }))
            {
                address = running.Http.BaseAddress!.ToString();
                foreach (var url in new[] { address, address.Replace("127.0.0.1", "+", StringComparison.Ordinal) })
                {
                    var (done, told) = await HealthAsync(url);
                    Assert.Equal(CommandLine.Done, done);
                    Assert.Contains("\"status\":\"ready\"", told, StringComparison.Ordinal);
                }

                // It is this database that the file names.
                Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts"));
            }

            var (exitCode, output) = await HealthAsync(address);
            Assert.Equal(CommandLine.Found, exitCode);
            Assert.Contains("does not answer", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(secrets, recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Output)> HealthAsync(string address)
    {
        var ran = await CommandRun.RunAsync("health", "--url", address);
        Assert.Equal("", ran.Error);
        return (ran.ExitCode, ran.Output);
    }

    [GeneratedRegex(@"^COPY (?!--from)(.*)$", RegexOptions.Multiline)]
    private static partial Regex Copies();
}
