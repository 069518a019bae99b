using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using UsageLogsSite.Commands;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What containers and systemd are given. <see cref="ImageTests"/> builds and runs containers.</summary>
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
    public async Task Both_ways_to_an_image_begin_from_the_same_one_and_set_the_same()
    {
        var dockerfile = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "Dockerfile"), Cancellation);
        Assert.Equal(Images.Base, From().Matches(dockerfile)[^1].Groups[1].Value);
        var start = new ProcessStartInfo("dotnet", ["msbuild", Path.Combine(Repository.Root, "UsageLogsSite"), "-t:ComputeContainerBaseImage", "-getProperty:ContainerBaseImage,ContainerRepository", "-getItem:ContainerPort,ContainerEnvironmentVariable"]);
        using var evaluated = JsonDocument.Parse(await ProcessRun.OutputAsync(start));
        var (properties, items) = (evaluated.RootElement.GetProperty("Properties"), evaluated.RootElement.GetProperty("Items"));
        Assert.Equal(Images.Base, properties.GetProperty("ContainerBaseImage").GetString());
        Assert.Equal(Images.Name, properties.GetProperty("ContainerRepository").GetString());
        Assert.Equal(
            Settings().Matches(dockerfile).Select(match => match.Groups[1].Value),
            items.GetProperty("ContainerEnvironmentVariable").EnumerateArray().Select(item => $"ENV {item.GetProperty("Identity")}={item.GetProperty("Value")}")
                .Concat(items.GetProperty("ContainerPort").EnumerateArray().Select(item => $"EXPOSE {item.GetProperty("Identity")}")));
    }

    [Fact]
    public async Task The_systemd_unit_is_understood_and_leaves_little_to_attack()
    {
        // Where this machine has its dotnet is no matter of the unit's.
        var unit = Path.Combine(Directory.CreateTempSubdirectory("usage-logs-site-unit-").FullName, "usage-logs-site.service");
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "systemd", "usage-logs-site.service"), Cancellation);
        Assert.Contains("ExecStart=/usr/bin/dotnet ", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(unit, text.Replace("ExecStart=/usr/bin/dotnet ", "ExecStart=/bin/sh ", StringComparison.Ordinal), Cancellation);
        try
        {
            Assert.Equal((0, ""), await AnalyzeAsync("verify", "--man=no", unit));
            var (exitCode, output) = await AnalyzeAsync("security", "--offline=true", "--threshold=15", unit);
            Assert.True(exitCode == 0, output);

            // It would say so of a directive that it does not know, and of a service that anybody can break into.
            await File.AppendAllTextAsync(unit, "[Service]\nProtectEverything=yes\nCapabilityBoundingSet=CAP_SYS_ADMIN\nNoNewPrivileges=no\n", Cancellation);
            Assert.Contains("ProtectEverything", (await AnalyzeAsync("verify", "--man=no", unit)).Output, StringComparison.Ordinal);
            Assert.NotEqual(0, (await AnalyzeAsync("security", "--offline=true", "--threshold=15", unit)).ExitCode);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(unit)!, recursive: true);
        }
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

            // As platforms say it that run containers.
            var port = $"{LocalPort.Any()}";
            await using (var running = await app.StartAsync(new() { ["CREDENTIALS_DIRECTORY"] = secrets, ["ASPNETCORE_HTTP_PORTS"] = port }))
            {
                var (done, _, error) = await app.RunAsync(new() { ["ASPNETCORE_HTTP_PORTS"] = port }, "health");
                Assert.Equal((CommandLine.Done, ""), (done, error));
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

    private static async Task<(int ExitCode, string Output)> AnalyzeAsync(params string[] args)
    {
        var ran = await ProcessRun.OfAsync(new ProcessStartInfo("systemd-analyze", ["--no-pager", .. args]));
        return (ran.ExitCode, ran.Output + ran.Error);
    }

    private static async Task<(int ExitCode, string Output)> HealthAsync(string address)
    {
        var ran = await CommandRun.RunAsync("health", "--url", address);
        Assert.Equal("", ran.Error);
        return (ran.ExitCode, ran.Output);
    }

    [GeneratedRegex(@"^COPY (?!--from)(.*)$", RegexOptions.Multiline)]
    private static partial Regex Copies();

    [GeneratedRegex(@"^FROM (\S+)", RegexOptions.Multiline)]
    private static partial Regex From();

    [GeneratedRegex("^((ENV|EXPOSE) .*)$", RegexOptions.Multiline)]
    private static partial Regex Settings();
}
