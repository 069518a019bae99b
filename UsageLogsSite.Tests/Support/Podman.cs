using System.Diagnostics;

namespace UsageLogsSite.Tests.Support;

/// <summary>Containers without a service that runs them: podman as root, with images, networks and volumes in a folder of its own.</summary>
internal sealed class Podman : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("usage-logs-site-podman-").FullName;

    internal Podman()
    {
        // As much as a machine lends that is itself a container: no cgroups of version 2, no right to raise a limit.
        File.WriteAllText(PathOf("containers.conf"),
            $"""
            [containers]
            default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
            [engine]
            runtime = "runc"
            compat_api_enforce_docker_hub = false
            events_logger = "file"
            static_dir = "{PathOf("static")}"
            tmp_dir = "{PathOf("tmp")}"
            volume_path = "{PathOf("volumes")}"
            [network]
            network_config_dir = "{PathOf("networks")}"
            """);
        File.WriteAllText(PathOf("storage.conf"), $"[storage]\ndriver = \"overlay\"\ngraphroot = \"{PathOf("graph")}\"\nrunroot = \"{PathOf("run")}\"\n");
    }

    /// <summary>A path in the folder, which goes with it.</summary>
    internal string PathOf(string name) => Path.Combine(_directory, name);

    /// <summary>How to start a program that works with these containers.</summary>
    internal ProcessStartInfo Program(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args);
        start.Environment["CONTAINERS_CONF"] = PathOf("containers.conf");
        start.Environment["CONTAINERS_STORAGE_CONF"] = PathOf("storage.conf");
        return start;
    }

    /// <summary>Runs podman, which must succeed, and returns what it printed.</summary>
    internal Task<string> RunAsync(params string[] args) => ProcessRun.OutputAsync(Program("podman", args), cancellation: CancellationToken.None);

    /// <summary>Runs podman, and returns what it printed, errors at the end.</summary>
    internal async Task<(int ExitCode, string Output)> TryAsync(params string[] args)
    {
        var ran = await ProcessRun.OfAsync(Program("podman", args), cancellation: CancellationToken.None);
        return (ran.ExitCode, ran.Output + ran.Error);
    }

    public async ValueTask DisposeAsync()
    {
        await TryAsync("rm", "--all", "--force", "--time", "5");
        await TryAsync("rmi", "--all", "--force");
        Directory.Delete(_directory, recursive: true);
    }
}
