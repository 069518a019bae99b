using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Alerts;

/// <summary>Posts signed messages. It follows no redirect, uses no proxy, reads no answer but its status, and looks whom it really connects to.</summary>
internal sealed class WebhookClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly bool _allowsPrivate;

    public WebhookClient(IOptions<AlertOptions> options, TimeProvider time)
    {
        _time = time;
        _allowsPrivate = options.Value.AllowPrivateAddresses;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false, // it would connect for us, to whom we could not see
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = ConnectAsync,
            ActivityHeadersPropagator = null, // a span of its own would tell the URL, which may be a secret, and a header would tell the receiver of our traces
        };
        _http = new HttpClient(handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("UsageLogsSite", null));
    }

    /// <summary>Posts a message once.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="id">The message's id, the same at each attempt.</param>
    /// <param name="body">JSON.</param>
    /// <param name="secret">What it is signed with.</param>
    /// <param name="cancellation">Gives up, and says so by an exception.</param>
    /// <returns>How it went; whatever the receiver does is no exception.</returns>
    internal async Task<WebhookAnswer> PostAsync(string url, string id, byte[] body, string secret, CancellationToken cancellation)
    {
        using var span = Traces.Source.StartActivity("webhook", ActivityKind.Client);
        var answer = await SendAsync(url, id, body, secret, cancellation);
        span?.SetTag("http.response.status_code", answer.Status).SetStatus(answer.Problem is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
        return answer;
    }

    private async Task<WebhookAnswer> SendAsync(string url, string id, byte[] body, string secret, CancellationToken cancellation)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", FormattableString.Invariant($"{timestamp}"));
        request.Headers.Add("webhook-signature", WebhookSecret.Sign(secret, id, timestamp, body));
        using var deadline = new CancellationTokenSource(Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return new WebhookAnswer((int)response.StatusCode, response.IsSuccessStatusCode ? null : $"It answered {(int)response.StatusCode}.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WebhookAnswer(null, $"No answer within {Timeout.TotalSeconds:0} seconds.");
        }
        catch (HttpRequestException e)
        {
            return new WebhookAnswer(null, e.GetBaseException() is PrivateAddressException refused ? refused.Message : Explain(e.HttpRequestError));
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private static string Explain(HttpRequestError error) => error switch
    {
        HttpRequestError.NameResolutionError => "The host's name leads nowhere.",
        HttpRequestError.SecureConnectionError => "No secure connection: its certificate is not trusted, or does not fit.",
        HttpRequestError.ConnectionError => "It accepts no connection.",
        _ => "Its answer cannot be read.",
    };

    // Looked at here, and not in the URL: a name may lead to another address at each look.
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host;
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
        var allowed = _allowsPrivate ? found : [.. found.Where(PublicAddress.Is)];
        if (allowed.Length == 0 && found.Length > 0)
            throw new PrivateAddressException($"{found[0]} is a private address, and Alerts:AllowPrivateAddresses is not set.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class PrivateAddressException(string message) : Exception(message);
}

/// <summary>How a post went.</summary>
/// <param name="Status">The answer's HTTP status; null if there was none.</param>
/// <param name="Problem">Why it counts as not delivered, for people; null if it was.</param>
internal readonly record struct WebhookAnswer(int? Status, string? Problem);
