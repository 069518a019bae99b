using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>The image of the Dockerfile, built and run.</summary>
public sealed class ImageTests(PostgresCluster cluster, Images images) : SiteTest(cluster)
{
    private const string Why = "Builds images for some minutes: ./test.sh --long";

    [Fact(Skip = Why, SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task It_runs_without_rights_on_a_file_system_that_is_read_only_and_ends_when_asked()
    {
        var podman = await images.BuiltAsync();
        await using var site = await ContainerSite.StartAsync(podman, Images.Name, Database, "--env", "Usage__TimeZone=Europe/Berlin");
        using var owner = new Visit(site.Address);
        await owner.SignInAsync("owner@example.test", "correct horse battery");
        Assert.Equal("0", (await owner.PageAsync("/usage")).QuerySelector("#total-users")!.TextContent.Trim());

        // As the kernel sees its first process: a user without rights, and no way to any.
        var status = await File.ReadAllLinesAsync($"/proc/{await site.InspectAsync("{{.State.Pid}}")}/status", Cancellation);
        Assert.Contains("Uid:\t1654\t1654\t1654\t1654", status);
        Assert.Contains("CapBnd:\t0000000000000000", status);
        Assert.Contains("NoNewPrivs:\t1", status);

        // Its own health check, which needs no shell; there is none.
        Assert.Equal(0, (await podman.TryAsync("healthcheck", "run", site.Id)).ExitCode);
        Assert.NotEqual(0, (await podman.TryAsync("exec", site.Id, "/bin/sh", "-c", "true")).ExitCode);

        var begun = Stopwatch.GetTimestamp();
        await podman.RunAsync("stop", "--time", "15", site.Id);
        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(12));
        Assert.Equal("0", await site.InspectAsync("{{.State.ExitCode}}"));
        var logs = (await podman.TryAsync("logs", site.Id)).Output;
        Assert.DoesNotMatch(new Regex("gssapi|warn:|fail:|crit:", RegexOptions.IgnoreCase), logs);
    }

    [Fact(Skip = Why, SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task Its_health_check_fails_while_the_database_is_away()
    {
        var podman = await images.BuiltAsync();
        await using var site = await ContainerSite.StartAsync(podman, Images.Name, Database);
        await Database.ShutAsync();
        await Eventually.TrueAsync(async () => (await podman.TryAsync("healthcheck", "run", site.Id)).ExitCode == 1, "it says that it is not ready");
        await Database.OpenAsync();
        await Eventually.TrueAsync(async () => (await podman.TryAsync("healthcheck", "run", site.Id)).ExitCode == 0, "it is ready again");
    }

    [Fact(Skip = Why, SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task It_holds_the_program_and_nothing_of_its_making()
    {
        var podman = await images.BuiltAsync();
        var files = await FilesAsync(podman, Images.Name);
        Assert.Contains(files, file => file.Path == "app/UsageLogsSite.dll");
        Assert.Contains(files, file => file.Path == "app/wwwroot/lib/htmx.org/htmx.min.js");
        Assert.DoesNotContain(files, file => file.Path.Contains(Images.Planted, StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => file.Path.StartsWith("source", StringComparison.Ordinal) || Regex.IsMatch(file.Path, @"\.(cs|csproj|cshtml|sln|sql)$|^app/(obj|bin)/|packages\.lock\.json"));
        Assert.DoesNotContain(files, file => Regex.IsMatch(file.Path, "(^|/)(sh|bash|apt|dpkg|curl|wget)$"));

        // Root's, and nobody else can write there: who breaks into the site changes nothing.
        Assert.All(files.Where(file => file.Path.StartsWith("app/", StringComparison.Ordinal)), file => Assert.Matches("^.{5}-..-. 0/0", file.Mode));

        // Not even the stage that builds has seen what .dockerignore keeps out.
        await Images.BuildAsync(podman, "build-stage", "--target", "build");
        Assert.DoesNotContain(await FilesAsync(podman, "build-stage"), file => file.Path.StartsWith("source/", StringComparison.Ordinal) && file.Path.Contains(Images.Planted, StringComparison.Ordinal));
    }

    [Fact(Skip = Why, SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task It_says_how_it_wants_to_be_run()
    {
        var podman = await images.BuiltAsync();
        using var image = JsonDocument.Parse(await podman.RunAsync("image", "inspect", Images.Name));
        var config = image.RootElement[0].GetProperty("Config");
        Assert.Equal("1654", config.GetProperty("User").GetString());
        Assert.Equal("/app", config.GetProperty("WorkingDir").GetString());
        Assert.Equal(["8080/tcp"], config.GetProperty("ExposedPorts").EnumerateObject().Select(port => port.Name));
        Assert.Equal(["dotnet", "UsageLogsSite.dll"], config.GetProperty("Entrypoint").EnumerateArray().Select(word => word.GetString()!));
        var environment = config.GetProperty("Env").EnumerateArray().Select(variable => variable.GetString()!).ToList();
        Assert.Contains("ASPNETCORE_HTTP_PORTS=8080", environment);
        Assert.DoesNotContain(environment, variable => Regex.IsMatch(variable, "password|secret|connection", RegexOptions.IgnoreCase));
        Assert.Equal(["CMD", "dotnet", "UsageLogsSite.dll", "health"], image.RootElement[0].GetProperty("Healthcheck").GetProperty("Test").EnumerateArray().Select(word => word.GetString()!));
    }

    [Fact(Skip = Why, SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task The_system_calls_that_the_systemd_unit_allows_are_enough()
    {
        var podman = await images.BuiltAsync();
        var unit = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "systemd", "usage-logs-site.service"), Cancellation);
        var filters = Regex.Matches(unit, "^SystemCallFilter=(~?)(.*)$", RegexOptions.Multiline).Select(match => (IsDenied: match.Groups[1].Value == "~", Sets: match.Groups[2].Value.Split(' '))).ToList();
        var calls = new HashSet<string>();
        foreach (var (isDenied, sets) in filters)
        {
            if (isDenied)
                calls.ExceptWith(await SystemCallsAsync(sets));
            else
                calls.UnionWith(await SystemCallsAsync(sets));
        }

        Assert.DoesNotContain("mount", calls);

        // systemd's executor and the runtime that starts containers need calls of their own before the program runs; these two are the latter's.
        var profile = podman.PathOf("seccomp.json");
        await File.WriteAllTextAsync(profile, JsonSerializer.Serialize(new
        {
            defaultAction = "SCMP_ACT_ERRNO",
            syscalls = new[] { new { names = calls.Concat(["capset", "setgroups"]).ToArray(), action = "SCMP_ACT_ALLOW" } },
        }), Cancellation);
        foreach (var heaps in new[] { "0", "1" })
        {
            await using var site = await ContainerSite.StartAsync(podman, Images.Name, Database, "--security-opt", $"seccomp={profile}", "--env", $"DOTNET_gcServer={heaps}");
            Assert.Contains("Seccomp:\t2", await File.ReadAllLinesAsync($"/proc/{await site.InspectAsync("{{.State.Pid}}")}/status", Cancellation));
            using var owner = new Visit(site.Address);
            await owner.SignInAsync("owner@example.test", "correct horse battery");
            using var page = await owner.GetAsync("/usage");
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            await podman.RunAsync("stop", "--time", "15", site.Id);
            Assert.Equal("0", await site.InspectAsync("{{.State.ExitCode}}"));
        }
    }

    private static async Task<HashSet<string>> SystemCallsAsync(string[] sets)
    {
        var calls = new HashSet<string>();
        var waiting = new Queue<string>(sets);
        while (waiting.TryDequeue(out var set))
        {
            if (set[0] is not '@')
            {
                calls.Add(set);
                continue;
            }

            var start = new ProcessStartInfo("systemd-analyze", ["--no-pager", "syscall-filter", set]);
            var names = (await ProcessRun.OutputAsync(start)).Split('\n').Skip(1).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] is not '#').ToList();
            Assert.NotEmpty(names);
            names.ForEach(waiting.Enqueue);
        }

        return calls;
    }

    private static async Task<List<(string Mode, string Path)>> FilesAsync(Podman podman, string image)
    {
        var id = (await podman.RunAsync("create", image, "none")).Trim(); // a command that is never run: a build stage has none of its own
        var archive = podman.PathOf($"{image}.tar");
        await podman.RunAsync("export", "--output", archive, id);
        await podman.RunAsync("rm", id);
        var lines = (await ProcessRun.OutputAsync(podman.Program("tar", "--numeric-owner", "-tvf", archive))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => Regex.Match(line, @"^(\S+ \S+) +\S+ \S+ \S+ (.*?)( -> .*)?$")).Select(match => (match.Groups[1].Value, match.Groups[2].Value.TrimStart('.', '/')))];
    }
}

/// <summary>A site in a container, as <c>compose.yaml</c> runs it, on this machine's network.</summary>
internal sealed class ContainerSite : IAsyncDisposable
{
    private readonly Podman _podman;

    private ContainerSite(Podman podman, string id, Uri address) => (_podman, Id, Address) = (podman, id, address);

    internal string Id { get; }

    internal Uri Address { get; }

    internal static async Task<ContainerSite> StartAsync(Podman podman, string image, PostgresDatabase database, params string[] options)
    {
        var port = LocalPort.Any().ToString(CultureInfo.InvariantCulture);
        var secret = podman.PathOf($"secret-{port}");
        await File.WriteAllTextAsync(secret, database.ConnectionString, TestContext.Current.CancellationToken);
        var id = await podman.RunAsync([
            "run", "--detach", "--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges",
            "--env", $"ASPNETCORE_HTTP_PORTS={port}", "--env", "Admin__Email=owner@example.test", "--env", "Admin__Password=correct horse battery",
            "--volume", $"{secret}:/run/secrets/ConnectionStrings__UsageLogs:ro", .. options, image]);
        var site = new ContainerSite(podman, id.Trim(), new Uri($"http://127.0.0.1:{port}"));
        using var visit = new HttpClient();
        await Eventually.TrueAsync(async () => await AnswersAsync(visit, site.Address) || await site.HasEndedAsync(), "the site in the container is ready");
        Assert.False(await site.HasEndedAsync(), (await podman.TryAsync("logs", site.Id)).Output);
        return site;
    }

    /// <summary>What podman knows of the container.</summary>
    internal async Task<string> InspectAsync(string format) => (await _podman.RunAsync("inspect", "--format", format, Id)).Trim();

    public async ValueTask DisposeAsync() => await _podman.TryAsync("rm", "--force", "--time", "5", Id);

    private async Task<bool> HasEndedAsync() => await InspectAsync("{{.State.Running}}") == "false";

    private static async Task<bool> AnswersAsync(HttpClient http, Uri address)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(address, "/health/ready"), TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
