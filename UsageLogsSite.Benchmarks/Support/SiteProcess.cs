using System.Diagnostics;
using System.Globalization;
using System.Net;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>A site under measurement, in a process of its own.</summary>
internal sealed class SiteProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private SiteProcess(Process process, IPEndPoint address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it listens.</summary>
    internal IPEndPoint Address { get; }

    /// <summary>Processor time used so far.</summary>
    internal TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    internal long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts a variant, waits until it answers and signs in.</summary>
    /// <param name="variant">"ours" is the site itself; anything else is served by this program.</param>
    /// <param name="connectionString">Its database.</param>
    /// <param name="port">Where to listen; 0 for any free port.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="hear">Is called with each line that it writes.</param>
    internal static async Task<SiteProcess> StartAsync(string variant, string connectionString, int port, CancellationToken cancellation, Action<string>? hear = null)
    {
        var address = new IPEndPoint(IPAddress.Loopback, port == 0 ? LocalPort.Any() : port);
        string[] program = variant == "ours" ? ["UsageLogsSite.dll"] : ["UsageLogsSite.Benchmarks.dll", "serve", variant];
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program[0]), .. program[1..], "--urls", $"http://{address}"])
        {
            WorkingDirectory = AppContext.BaseDirectory,
            RedirectStandardOutput = true,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        (start.Environment["Logging__Console__FormatterName"], start.Environment["Logging__Console__FormatterOptions__SingleLine"]) = ("simple", "true");
        start.Environment["ConnectionStrings__UsageLogs"] = connectionString;

        (start.Environment["Admin__Email"], start.Environment["Admin__Password"]) = (SignedIn.Email, SignedIn.Password);

        // All viewers share one address here: the limits of one client are not what is measured.
        start.Environment["Live__MaxStreamsPerClient"] = start.Environment["Live__MaxStreamsPerAddress"] = "100000";
        start.Environment["Limits__RequestsPerSecond"] = "100000";
        start.Environment["Ingest__RequestsPerSecond"] = start.Environment["Ingest__RowsPerSecond"] = "1000000";
        var site = new SiteProcess(Process.Start(start)!, address);
        site._process.OutputDataReceived += (_, line) => hear?.Invoke(line.Data ?? "");
        site._process.BeginOutputReadLine();
        await site.WaitUntilReadyAsync(cancellation);
        if (variant == "ours")
            await SignedIn.AtAsync(address, cancellation);
        return site;
    }

    /// <summary>Runs a command of the site to its end, and shows what it says.</summary>
    /// <param name="connectionString">Its database.</param>
    /// <param name="arguments">The command.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    internal static async Task RunCommandAsync(string connectionString, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "UsageLogsSite.dll"), .. arguments]) { WorkingDirectory = AppContext.BaseDirectory };
        start.Environment["ConnectionStrings__UsageLogs"] = connectionString;
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended with {process.ExitCode}.");
    }

    /// <summary>Ends the process at once, as a crash does.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{Address}")) };
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var ready = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellation);
                if (ready.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException) when (!_process.HasExited && Stopwatch.GetElapsedTime(start) < Patience)
            {
                // Not listening yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
        }
    }
}
