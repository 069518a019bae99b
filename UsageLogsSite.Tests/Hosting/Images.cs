using UsageLogsSite.Tests.Support;

[assembly: AssemblyFixture(typeof(UsageLogsSite.Tests.Hosting.Images))]

namespace UsageLogsSite.Tests.Hosting;

/// <summary>The image that the Dockerfile makes, on stand-ins of the images that it begins from. Made on first use, in some minutes.</summary>
public sealed class Images : IAsyncLifetime
{
    /// <summary>The image's name, as in <c>compose.yaml</c>.</summary>
    internal const string Name = "usage-logs-site";

    /// <summary>The image that it begins from.</summary>
    internal const string Base = "mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra";

    /// <summary>What lies about in the tree and must stay out of the image.</summary>
    internal const string Planted = "planted-by-a-test";

    private readonly SemaphoreSlim _building = new(1);
    private Podman? _podman;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _building.Dispose();
        if (_podman is not null)
            await _podman.DisposeAsync();
    }

    /// <summary>Builds the image, once.</summary>
    internal async Task<Podman> BuiltAsync()
    {
        await _building.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return _podman ??= await BuildAsync();
        }
        finally
        {
            _building.Release();
        }
    }

    /// <summary>Builds what the Dockerfile makes, or a stage of it.</summary>
    internal static Task<string> BuildAsync(Podman podman, string tag, params string[] options) =>
        podman.RunAsync(["build", "--format", "docker", "--network", "host", "--tag", tag, .. options, podman.PathOf("tree")]);

    private static async Task<Podman> BuildAsync()
    {
        var podman = new Podman();
        try
        {
            var bases = Directory.CreateDirectory(podman.PathOf("bases")).FullName;
            await ProcessRun.OutputAsync(podman.Program(Path.Combine(Repository.Root, "UsageLogsSite.Tests", "Support", "base-images.sh"), bases));
            var tree = podman.PathOf("tree");
            Repository.CopyTo(tree, [.. File.ReadAllLines(Path.Combine(Repository.Root, ".dockerignore")).Where(line => line.StartsWith('!')).Select(line => line[1..]), "Dockerfile", ".dockerignore", "compose.yaml"]);
            foreach (var place in new[] { "secrets", "UsageLogsSite/obj", "UsageLogsSite/bin/Release", "UsageLogsSite.Tests", "wwwroot/lib/htmx.org", ".git", "." })
                await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(tree, place)).FullName, Planted), Planted);
            await BuildAsync(podman, Name);
            return podman;
        }
        catch
        {
            await podman.DisposeAsync();
            throw;
        }
    }
}
