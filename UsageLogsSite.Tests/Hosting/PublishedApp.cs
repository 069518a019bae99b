using System.Diagnostics;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

[assembly: AssemblyFixture(typeof(UsageLogsSite.Tests.Hosting.PublishedApp))]

namespace UsageLogsSite.Tests.Hosting;

/// <summary>What <c>dotnet publish</c> makes, run as an operator runs it: a process of its own. Published on first use.</summary>
public sealed class PublishedApp : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-published-{Environment.ProcessId}");
    private readonly SemaphoreSlim _publishing = new(1);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _publishing.Dispose();
        foreach (var directory in new[] { _directory, _directory + "-other" })
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Starts the published site with these settings, waits for its page and signs in as its first owner.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="address">Where it is to listen; null for anywhere.</param>
    /// <param name="isOtherBuild">Starts another build of the same source instead.</param>
    internal async Task<RunningApp> StartAsync(Dictionary<string, string> settings, Uri? address = null, bool isOtherBuild = false)
    {
        await PublishAsync();
        var directory = isOtherBuild ? await OtherBuildAsync() : _directory;
        return await RunningApp.StartAsync(Path.Combine(directory, "UsageLogsSite.dll"), directory, settings, address);
    }

    /// <summary>Starts the published site as who tries it does, and waits for the link that its start prints.</summary>
    internal async Task<DemoApp> StartDemoAsync(Dictionary<string, string> settings)
    {
        await PublishAsync();
        return await DemoApp.StartAsync(Path.Combine(_directory, "UsageLogsSite.dll"), _directory, settings);
    }

    /// <summary>Where the published program is.</summary>
    internal async Task<string> ProgramAsync()
    {
        await PublishAsync();
        return Path.Combine(_directory, "UsageLogsSite.dll");
    }

    /// <summary>Runs the published program to its end: a command, or the site where it cannot start.</summary>
    internal async Task<ProcessRun> RunAsync(Dictionary<string, string> settings, params string[] args)
    {
        await PublishAsync();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(_directory, "UsageLogsSite.dll"), .. args]) { WorkingDirectory = _directory };
        foreach (var (key, value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        return await ProcessRun.OfAsync(start);
    }

    /// <summary>
    /// What differs between two builds, and what versions of views are made with, is the id that the compiler gives the module (ECMA-335, II.22.30): a copy with
    /// another one is another build, without the minute that compiling takes.
    /// </summary>
    private async Task<string> OtherBuildAsync()
    {
        var other = _directory + "-other";
        await _publishing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (Directory.Exists(other))
                return other;
            foreach (var file in Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories))
            {
                var copy = Path.Combine(other, Path.GetRelativePath(_directory, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            var program = Path.Combine(other, "UsageLogsSite.dll");
            var bytes = await File.ReadAllBytesAsync(program, TestContext.Current.CancellationToken);
            var id = ModuleIdOf(bytes).ToByteArray();
            var at = bytes.AsSpan().IndexOf(id);
            Assert.Equal(at, bytes.AsSpan().LastIndexOf(id));
            bytes[at] ^= 0xFF;
            await File.WriteAllBytesAsync(program, bytes, TestContext.Current.CancellationToken);
            return other;
        }
        finally
        {
            _publishing.Release();
        }
    }

    private static Guid ModuleIdOf(byte[] assembly)
    {
        using var file = new PEReader(new MemoryStream(assembly));
        var metadata = file.GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }

    private async Task PublishAsync()
    {
        await _publishing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (Directory.Exists(_directory))
                return;
            await ProcessRun.OutputAsync(new ProcessStartInfo(
                "dotnet", ["publish", Path.Combine(Repository.Root, "UsageLogsSite"), "-c", "Release", "-o", _directory, "--nologo", "-v", "quiet"]));
        }
        finally
        {
            _publishing.Release();
        }
    }
}

/// <summary>A site in a process of its own.</summary>
internal sealed class RunningApp : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private bool _isDisposed;

    private RunningApp(Process process, Uri address)
    {
        _process = process;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = address };
    }

    /// <summary>A client that is signed in as an owner, and follows no redirect.</summary>
    internal HttpClient Http { get; }

    /// <summary>The header <c>Cookie</c> of <see cref="Http"/>.</summary>
    internal string Cookie { get; private set; } = "";

    internal static async Task<RunningApp> StartAsync(string program, string workingDirectory, Dictionary<string, string> settings, Uri? at = null)
    {
        var port = settings.GetValueOrDefault("ASPNETCORE_HTTP_PORTS");
        var address = at ?? new Uri($"http://127.0.0.1:{port ?? $"{LocalPort.Any()}"}");
        var start = new ProcessStartInfo("dotnet", port is null ? [program, "--urls", address.ToString()] : [program]) { WorkingDirectory = workingDirectory };
        (start.Environment["Admin__Email"], start.Environment["Admin__Password"]) = ("owner@example.test", "correct horse battery");
        foreach (var (key, value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        var app = new RunningApp(Process.Start(start)!, address);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            while (!await app.AnswersAsync())
            {
                Assert.False(app._process.HasExited, "The site ended during its start.");
                Assert.True(Stopwatch.GetElapsedTime(begun) < Patience, "The site did not start in time.");
                await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
            }
        }
        catch
        {
            if (!app._process.HasExited)
                app._process.Kill();
            throw;
        }

        await app.SignInAsync(address);
        return app;
    }

    private async Task SignInAsync(Uri address)
    {
        try
        {
            using var owner = new Visit(address);
            await owner.SignInAsync("owner@example.test", "correct horse battery");
            Cookie = owner.Cookie;
            Http.DefaultRequestHeaders.Add("Cookie", Cookie);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the process as a crash does.</summary>
    internal async Task CrashAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Ends the process as an operator does.</summary>
    internal async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(0, _process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Http.Dispose();
        if (!_process.HasExited)
            await StopAsync();
        _process.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var response = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}

/// <summary>The demo, seen from its console.</summary>
internal sealed class DemoApp : IAsyncDisposable
{
    private readonly Process _process;

    private DemoApp(Process process, Uri link) => (_process, Link) = (process, link);

    /// <summary>The link that the start printed.</summary>
    internal Uri Link { get; }

    internal static async Task<DemoApp> StartAsync(string program, string workingDirectory, Dictionary<string, string> settings)
    {
        var start = new ProcessStartInfo("dotnet", [program, "--urls", "http://127.0.0.1:0"]) { WorkingDirectory = workingDirectory, RedirectStandardOutput = true };
        foreach (var (key, value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        var process = Process.Start(start)!;
        var link = new TaskCompletionSource<Uri>();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Split(' ').FirstOrDefault(word => word.Contains("/account/link/", StringComparison.Ordinal)) is { } found)
                link.TrySetResult(new Uri(found));
        };
        process.BeginOutputReadLine();
        try
        {
            return new DemoApp(process, await link.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        }
        catch
        {
            process.Kill();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
