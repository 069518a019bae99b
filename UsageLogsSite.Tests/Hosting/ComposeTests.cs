using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary><c>compose.yaml</c> as its first lines say to use it, by podman's service instead of Docker's.</summary>
public sealed class ComposeTests(Images images)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Skip = "Builds images for some minutes: ./test.sh --long", SkipType = typeof(Run), SkipUnless = nameof(Run.IsLong))]
    public async Task It_starts_migrates_is_upgraded_and_stops()
    {
        var podman = await images.BuiltAsync();
        var (project, port) = (Directory.CreateDirectory(podman.PathOf("compose")).FullName, LocalPort.Any());
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "compose.yaml"), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(project, "compose.yaml"), text.Replace("127.0.0.1:8080:8080", $"127.0.0.1:{port}:8080", StringComparison.Ordinal), Cancellation);
        var preparation = string.Join('\n', Regex.Matches(text, "^#   (.*)$", RegexOptions.Multiline).Select(line => line.Groups[1].Value).TakeWhile(line => !line.StartsWith("docker", StringComparison.Ordinal)));
        Assert.Contains("secrets/admin_password", preparation, StringComparison.Ordinal);
        await ProcessRun.OutputAsync(new ProcessStartInfo("bash", ["-euc", preparation]) { WorkingDirectory = project });

        await using var compose = await Compose.StartAsync(podman, project);
        await compose.RunAsync("up", "--detach");
        var password = await File.ReadAllTextAsync(Path.Combine(project, "secrets", "admin_password"), Cancellation);
        var address = new Uri($"http://localhost:{port}");
        await ReadyAsync(address);
        using var owner = new Visit(address);
        await owner.SignInAsync("owner@example.com", password);
        var migrate = await podman.RunAsync("ps", "--all", "--filter", "name=migrate", "--format", "{{.Status}}");
        Assert.StartsWith("Exited (0)", migrate, StringComparison.Ordinal);

        // The upgrade of docs/operations/upgrade.md: nobody signs in again.
        await compose.RunAsync("run", "--rm", "migrate");
        await compose.RunAsync("up", "--detach", "--no-deps", "--force-recreate", "site");
        await ReadyAsync(address);
        using var page = await owner.GetAsync("/usage");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);

        await compose.RunAsync("stop");
        var ended = await podman.RunAsync("ps", "--all", "--format", "{{.Names}} {{.Status}}");
        Assert.Matches("site_1 Exited \\(0\\)", ended);
        Assert.Matches("postgres_1 Exited \\(0\\)", ended);
        await compose.RunAsync("down", "--volumes");
    }

    private static async Task ReadyAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the site behind the published port is ready");
    }

    /// <summary>Compose, the service that it asks, and who does what systemd does elsewhere.</summary>
    private sealed class Compose : IAsyncDisposable
    {
        private readonly Podman _podman;
        private readonly string _project;
        private readonly Process _service;
        private readonly CancellationTokenSource _ended = new();
        private readonly Task _care;

        private Compose(Podman podman, string project, Process service)
        {
            (_podman, _project, _service) = (podman, project, service);
            _care = CareAsync();
        }

        private string Socket => _podman.PathOf("podman.sock");

        internal static async Task<Compose> StartAsync(Podman podman, string project)
        {
            var start = podman.Program("podman", "system", "service", "--time", "0", $"unix://{podman.PathOf("podman.sock")}");
            start.Environment["DISABLE_HC_SYSTEMD"] = "true";
            var compose = new Compose(podman, project, Process.Start(start)!);
            await Eventually.TrueAsync(() => File.Exists(compose.Socket), "podman's service listens");
            return compose;
        }

        internal async Task RunAsync(params string[] args)
        {
            var start = new ProcessStartInfo("docker-compose", ["--project-name", "usage", .. args]) { WorkingDirectory = _project };
            start.Environment["DOCKER_HOST"] = $"unix://{Socket}";
            await ProcessRun.OutputAsync(start);
        }

        public async ValueTask DisposeAsync()
        {
            await _ended.CancelAsync();
            await _care;
            _ended.Dispose();
            _service.Kill();
            await _service.WaitForExitAsync(CancellationToken.None);
            _service.Dispose();
        }

        private async Task CareAsync()
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2));
            while (!_ended.IsCancellationRequested)
            {
                foreach (var id in await ContainersAsync("name=usage_postgres"))
                    await _podman.TryAsync("healthcheck", "run", id);

                // Compose waits until a container has been tidied up, which its monitor may fail to do and never tries again.
                foreach (var id in await ContainersAsync("status=exited"))
                    await _podman.TryAsync("container", "cleanup", id);
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        private async Task<string[]> ContainersAsync(string filter) =>
            (await _podman.TryAsync("ps", "--all", "--quiet", "--filter", filter)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
