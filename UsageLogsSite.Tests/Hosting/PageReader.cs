using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>An open page without its browser: it does what the page's script does, and no more. A connection of each kind may lead to any instance.</summary>
internal sealed class PageReader : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(15);

    private readonly CancellationTokenSource _closed = new();
    private readonly SemaphoreSlim _refreshing = new(1);
    private readonly HttpClient _http;
    private readonly Task _work;
    private EntityTagHeaderValue? _version;
    private string? _lastEvent;
    private volatile int _shown = -1;
    private volatile int _steps;
    private volatile int _opened;
    private volatile bool _isConnected;
    private volatile bool _isFailed;
    private DateTime _asOf = DateTime.UtcNow;

    internal PageReader(Nginx nginx, string session)
    {
        _http = nginx.ClientOf($"{session}; usage-client={Guid.NewGuid():N}");
        _work = Task.WhenAll(FollowAsync(), PollAsync());
    }

    /// <summary>The sum of requests that the page shows; less than zero before it shows any.</summary>
    internal int Shown => _shown;

    /// <summary>How often the page has gone back to an older sum.</summary>
    internal int StepsBack => _steps;

    /// <summary>How often a stream was opened.</summary>
    internal int Opened => _opened;

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _work;
        _http.Dispose();
        _refreshing.Dispose();
        _closed.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!_closed.IsCancellationRequested)
        {
            try
            {
                if (_shown < 0)
                    await RefreshAsync();
                await ListenAsync();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                // The stream was cut, or the test is over.
            }

            _isConnected = false;
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(500, 1_500)), _closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/usage/events?version={_version?.Tag.Trim('"')}");
        if (_lastEvent is not null)
            request.Headers.Add("Last-Event-ID", _lastEvent);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _closed.Token);
        if (response.StatusCode != HttpStatusCode.OK)
            return;
        Interlocked.Increment(ref _opened);
        await using var body = await response.Content.ReadAsStreamAsync(_closed.Token);
        await foreach (var item in SseParser.Create(body).EnumerateAsync(_closed.Token))
        {
            _isConnected = true;
            _isFailed |= item is { EventType: "heartbeat", Data: "blind" };
            if (item is { EventType: "heartbeat", Data: "alive" } && !_isFailed)
                _asOf = DateTime.UtcNow;
            if (item.EventType != "usage-changed")
                continue;
            _lastEvent = item.Data;
            _ = RefreshAsync();
        }
    }

    private async Task PollAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        try
        {
            while (await timer.WaitForNextTickAsync(_closed.Token))
            {
                if (_isFailed || (!_isConnected && DateTime.UtcNow - _asOf > Poll))
                    await RefreshAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task RefreshAsync()
    {
        try
        {
            await _refreshing.WaitAsync(_closed.Token);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/usage/table");
                if (_version is not null)
                    request.Headers.IfNoneMatch.Add(_version);
                using var response = await _http.SendAsync(request, _closed.Token);
                await ShowAsync(response);
            }
            finally
            {
                _refreshing.Release();
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            _isFailed = true;
        }
    }

    private async Task ShowAsync(HttpResponseMessage response)
    {
        _isFailed = response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.NotModified);
        if (_isFailed)
            return;
        _asOf = DateTime.UtcNow;
        if (response.StatusCode == HttpStatusCode.NotModified)
            return;
        var text = await response.Content.ReadAsStringAsync(_closed.Token);
        var shown = int.Parse(text.Split("id=\"total-requests\"><data value=\"")[1].Split('"')[0], CultureInfo.InvariantCulture);
        if (shown < _shown)
            Interlocked.Increment(ref _steps);
        (_shown, _version) = (shown, response.Headers.ETag);
    }
}
