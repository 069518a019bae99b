using System.Diagnostics;
using System.Text.Json;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary><c>dotnet publish /t:PublishContainer</c>, the image without a Dockerfile.</summary>
public sealed class PublishContainerTests(PostgresCluster cluster, Images images) : SiteTest(cluster)
{
    [Fact(Skip = "Builds images for some minutes: ./test.sh --long", SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task It_makes_an_image_that_runs_as_the_one_of_the_dockerfile_does()
    {
        var podman = await images.BuiltAsync();
        var archive = podman.PathOf("published.tar.gz");
        await using (var registry = await Registry.StartAsync(podman))
        {
            var image = $"localhost:{registry.Port}/dotnet/aspnet:10.0-noble-chiseled-extra";
            await podman.RunAsync("push", "--quiet", "--tls-verify=false", Images.Base, image);
            var publish = podman.Program("dotnet", "publish", Path.Combine(podman.PathOf("tree"), "UsageLogsSite"), "-c", "Release", "/t:PublishContainer", $"-p:ContainerBaseImage={image}", $"-p:ContainerArchiveOutputPath={archive}");
            publish.Environment["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = $"localhost:{registry.Port}";
            await ProcessRun.OutputAsync(publish);
        }

        Assert.All(new[] { "UsageLogsSite", "UsageLogsSite.Data", "Migrations" }, project => Assert.Equal(
            File.ReadAllText(Path.Combine(Repository.Root, project, "packages.lock.json")), File.ReadAllText(Path.Combine(podman.PathOf("tree"), project, "packages.lock.json"))));

        var loaded = (await podman.RunAsync("load", "--quiet", "--input", archive)).Split(": ", 2)[1].Trim();
        await podman.RunAsync("tag", loaded, "published");
        using var description = JsonDocument.Parse(await podman.RunAsync("image", "inspect", "published"));
        var config = description.RootElement[0].GetProperty("Config");
        Assert.Equal("1654", config.GetProperty("User").GetString());
        Assert.Equal(["8080/tcp"], config.GetProperty("ExposedPorts").EnumerateObject().Select(port => port.Name));
        Assert.Equal(["dotnet", "/app/UsageLogsSite.dll"], config.GetProperty("Entrypoint").EnumerateArray().Select(word => word.GetString()!));
        Assert.Equal("MIT", config.GetProperty("Labels").GetProperty("org.opencontainers.image.licenses").GetString());

        await using var site = await ContainerSite.StartAsync(podman, "published", Database);
        using var owner = new Visit(site.Address);
        await owner.SignInAsync("owner@example.test", "correct horse battery");
        Assert.Equal("0", (await owner.PageAsync("/usage")).QuerySelector("#total-users")!.TextContent.Trim());
        await podman.RunAsync("exec", site.Id, "dotnet", "UsageLogsSite.dll", "health");
        await podman.RunAsync("stop", "--time", "15", site.Id);
        Assert.Equal("0", await site.InspectAsync("{{.State.ExitCode}}"));
        Assert.DoesNotContain("gssapi", (await podman.TryAsync("logs", site.Id)).Output, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A registry of images on this machine.</summary>
    private sealed class Registry : IAsyncDisposable
    {
        private readonly Process _process;

        private Registry(Process process, int port) => (_process, Port) = (process, port);

        internal int Port { get; }

        internal static async Task<Registry> StartAsync(Podman podman)
        {
            var port = LocalPort.Any();
            var settings = podman.PathOf("registry.yml");
            await File.WriteAllTextAsync(settings,
                $$"""
                version: 0.1
                log: { level: error }
                storage: { filesystem: { rootdirectory: "{{podman.PathOf("registry")}}" } }
                http: { addr: "127.0.0.1:{{port}}" }
                """, Cancellation);
            var registry = new Registry(Process.Start(new ProcessStartInfo("docker-registry", ["serve", settings]))!, port);
            using var http = new HttpClient();
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/v2/"), Cancellation);
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, "the registry answers");
            return registry;
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            _process.Dispose();
        }
    }
}
