using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Tests.Support;

/// <summary>A real nginx with the repository's own configuration, of which only addresses and paths are other ones.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private static readonly string[] Executables = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"];

    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"usage-logs-site-nginx-{Guid.NewGuid():N}");
    private readonly int _plainPort = LocalPort.Any();
    private string? _certificate;
    private Process? _process;

    private Nginx() => Directory.CreateDirectory(_directory);

    /// <summary>Where browsers find the site.</summary>
    internal Uri Address { get; } = new($"https://127.0.0.1:{LocalPort.Any()}");

    /// <summary>Where browsers are that have not heard of https.</summary>
    internal Uri PlainAddress => new($"http://127.0.0.1:{_plainPort}");

    /// <summary>Method, path, status and instance of what is logged, oldest first.</summary>
    internal IReadOnlyList<(string Request, int Status, string Instance)> Requests =>
        [.. File.ReadLines(FileOf("usage-logs-site.log")).Select(line => line.Split('"')).Select(parts => (parts[1], int.Parse(parts[2].Split(' ')[1], null), parts[2].Split(' ', 5)[4]))];

    /// <summary>All that was logged: requests and errors.</summary>
    internal string Logs => string.Concat(Directory.EnumerateFiles(_directory, "*.log").Select(File.ReadAllText));

    /// <summary>Starts it in front of two instances, once it has found no fault with its configuration.</summary>
    internal static async Task<Nginx> StartAsync(Uri first, Uri second)
    {
        var nginx = new Nginx();
        try
        {
            await nginx.StartOnAsync(first, second);
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client that takes the certificate, follows no redirect and sends only this cookie, if any.</summary>
    internal HttpClient ClientOf(string? cookie = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == _certificate } };
        var http = new HttpClient(handler) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
        if (cookie is not null)
            http.DefaultRequestHeaders.Add("Cookie", cookie);
        return http;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task StartOnAsync(Uri first, Uri second)
    {
        WriteCertificate();
        await File.WriteAllTextAsync(FileOf("site.conf"), await ConfigurationAsync(first, second));
        await File.WriteAllTextAsync(FileOf("nginx.conf"), Main());
        using (var check = Run("-t"))
        {
            var said = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await check.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(check.ExitCode == 0, said);
            Assert.DoesNotContain("[warn]", said, StringComparison.Ordinal);
        }

        _process = Run();
        _process.BeginErrorReadLine();
        using var http = ClientOf();
        await Eventually.TrueAsync(() => AnswersAsync(http), "nginx answers");
    }

    private Process Run(params string[] arguments)
    {
        var executable = Executables.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("No nginx was found: ./test.sh installs it, or 'sudo apt-get install nginx-light'.");
        return Process.Start(new ProcessStartInfo(executable, ["-p", _directory, "-e", FileOf("error.log"), "-c", FileOf("nginx.conf"), .. arguments]) { RedirectStandardError = true })!;
    }

    private async Task<string> ConfigurationAsync(Uri first, Uri second)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "nginx", "usage-logs-site.conf"));
        (string Old, string New)[] changes =
        [
            ("127.0.0.1:5081", first.Authority), ("127.0.0.1:5082", second.Authority),
            ("listen 80;", $"listen 127.0.0.1:{_plainPort};"), ("listen [::]:80;", ""),
            ("listen 443 ", $"listen {Address.Authority} "), ("listen [::]:443 ssl http2;", ""),
            ("/etc/ssl/USAGE.EXAMPLE.COM.pem", FileOf("site.pem")), ("/etc/ssl/private/USAGE.EXAMPLE.COM.key", FileOf("site.key")),
            ("/var/log/nginx/", _directory + "/"),
        ];
        foreach (var (old, now) in changes)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, now, StringComparison.Ordinal);
        }

        return text;
    }

    private string Main() =>
        $$"""
        daemon off;
        worker_processes 1;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        pid {{FileOf("nginx.pid")}};
        events { worker_connections 1024; }
        http {
            access_log off;
            client_body_temp_path {{FileOf("bodies")}};
            proxy_temp_path {{FileOf("answers")}};
            fastcgi_temp_path {{FileOf("fastcgi")}};
            uwsgi_temp_path {{FileOf("uwsgi")}};
            scgi_temp_path {{FileOf("scgi")}};
            include {{FileOf("site.conf")}};
        }
        """;

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _certificate = certificate.GetCertHashString();
        File.WriteAllText(FileOf("site.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(FileOf("site.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private string FileOf(string name) => Path.Combine(_directory, name);

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/live", UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.StatusCode == HttpStatusCode.NotFound;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
