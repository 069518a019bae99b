using System.CommandLine;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Commands;

/// <summary><c>health</c>: asks a running site whether it is ready, for containers that have no shell and no curl.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly Option<string?> Url = new("--url") { Description = "The site's address. Default: the first one of ASPNETCORE_URLS or ASPNETCORE_HTTP_PORTS, or http://localhost:5080.", HelpName = "url" };

    internal static Command Create(string[] settings)
    {
        var command = new Command("health", "Asks a running site whether it is ready. The exit code is 0 if it is, and 1 if not.") { Url };
        command.SetAction(async (parsed, cancellation) =>
        {
            var text = parsed.GetValue(Url) ?? AddressIn(new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddCommandLine(settings).Build());

            // What listens on every address is asked on this machine's own.
            if (!Uri.TryCreate(text.Replace("//+", "//localhost", StringComparison.Ordinal).Replace("//*", "//localhost", StringComparison.Ordinal)
                .Replace("//0.0.0.0", "//localhost", StringComparison.Ordinal).Replace("//[::]", "//localhost", StringComparison.Ordinal), UriKind.Absolute, out var address))
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"--url is '{text}'; allowed is an address such as http://localhost:5080.");
                return CommandLine.Trouble;
            }

            var (isReady, answer) = await AskAsync(new Uri(address, "/health/ready"), cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(answer);
            return isReady ? CommandLine.Done : CommandLine.Found;
        });
        return command;
    }

    // As the site itself reads them: addresses win over ports.
    private static string AddressIn(IConfiguration settings) => (settings["urls"], settings["http_ports"]) switch
    {
        ({ Length: > 0 } urls, _) => urls.Split(';')[0],
        (_, { Length: > 0 } ports) => $"http://localhost:{ports.Split(';')[0]}",
        _ => HostingSetup.DefaultAddress,
    };

    private static async Task<(bool IsReady, string Answer)> AskAsync(Uri address, CancellationToken cancellation)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = Patience };
        try
        {
            using var response = await http.GetAsync(address, cancellation);
            return (response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(cancellation));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (false, $"{address} does not answer: {e.Message}");
        }
    }
}
