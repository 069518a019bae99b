using System.Net.ServerSentEvents;
using System.Threading.Channels;

namespace UsageLogsSite.Tests.Support;

/// <summary>A browser's end of a stream, on a socket of its own.</summary>
internal sealed class SseReader : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly HttpResponseMessage _response;
    private readonly CancellationTokenSource _closed = new();
    private readonly Channel<SseItem<string>> _events = Channel.CreateUnbounded<SseItem<string>>();
    private readonly Task _reading;

    private SseReader(HttpClient http, HttpResponseMessage response)
    {
        _http = http;
        _response = response;
        _reading = ReadAsync();
    }

    internal HttpResponseMessage Response => _response;

    /// <summary>The newest version that the stream told of; null before the first.</summary>
    internal string? LastVersion { get; private set; }

    /// <summary>Completes when the server ends the stream.</summary>
    internal Task Ended => _reading;

    /// <summary>Opens a stream as the site's owner, or as whom the cookie names.</summary>
    internal static async Task<SseReader> OpenAsync(Site site, string query = "", string? lastEventId = null, string? cookie = null, string path = "/usage/events")
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseCookies = false }) { BaseAddress = site.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, path + query);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        var isSignedIn = cookie?.Contains("usage-session=", StringComparison.Ordinal) ?? false;
        request.Headers.Add("Cookie", isSignedIn ? cookie : cookie is null ? site.Cookie : $"{site.Cookie}; {cookie}");
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return new SseReader(http, response);
    }

    /// <summary>The next event of a type; others are passed over.</summary>
    internal async Task<SseItem<string>> NextAsync(string type = "usage-changed")
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            var item = await _events.Reader.ReadAsync(limit.Token);
            if (item.EventType == type)
                return item;
        }
    }

    /// <summary>How many events of a type have come and were not read yet.</summary>
    internal int Drain(string type = "usage-changed")
    {
        var count = 0;
        while (_events.Reader.TryRead(out var item))
            count += item.EventType == type ? 1 : 0;
        return count;
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _reading;
        _response.Dispose();
        _http.Dispose();
        _closed.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            await using var body = await _response.Content.ReadAsStreamAsync(_closed.Token);
            await foreach (var item in SseParser.Create(body).EnumerateAsync(_closed.Token))
            {
                if (item.EventType == "usage-changed")
                    LastVersion = item.Data;
                await _events.Writer.WriteAsync(item, _closed.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            // Closed by the test, or cut by the server.
        }
        finally
        {
            _events.Writer.TryComplete();
        }
    }
}
