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
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CONTAINERS_CONF"] = PathOf("containers.conf");
        start.Environment["CONTAINERS_STORAGE_CONF"] = PathOf("storage.conf");
        return start;
    }

    /// <summary>Runs podman, which must succeed, and returns what it printed.</summary>
    internal Task<string> RunAsync(params string[] args) => RunAsync(Program("podman", args));

    /// <summary>Runs a program, which must succeed, and returns what it printed.</summary>
    internal static async Task<string> RunAsync(ProcessStartInfo start)
    {
        var (exitCode, output) = await TryAsync(start);
        Assert.True(exitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {exitCode}:\n{output}");
        return output;
    }

    /// <summary>Runs podman, and returns what it printed, errors at the end.</summary>
    internal Task<(int ExitCode, string Output)> TryAsync(params string[] args) => TryAsync(Program("podman", args));

    public async ValueTask DisposeAsync()
    {
        await TryAsync("rm", "--all", "--force", "--time", "5");
        await TryAsync("rmi", "--all", "--force");
        Directory.Delete(_directory, recursive: true);
    }

    private static async Task<(int ExitCode, string Output)> TryAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await error);
    }
}
