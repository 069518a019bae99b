using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace UsageLogsSite.Tests.Support;

/// <summary>What a network does to connections.</summary>
internal enum Fault
{
    /// <summary>Everything passes.</summary>
    None,

    /// <summary>Open connections are reset, new ones refused.</summary>
    Cut,

    /// <summary>Nothing passes, and nobody is told: half-open connections.</summary>
    BlackHole,

    /// <summary>Everything passes, half a second late.</summary>
    Delay,

    /// <summary>One byte a second passes.</summary>
    Drip,
}

/// <summary>A TCP proxy on loopback that fails on command: between site and PostgreSQL, or between browser and site.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly Task _accepting;
    private volatile Fault _fault;
    private volatile Uri _target;
    private volatile Spoiled? _spoiled;
    private long _received;

    internal FaultProxy(string host, int port)
    {
        _target = new Uri($"tcp://{host}:{port}");
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where the browser finds the site behind this proxy.</summary>
    internal Uri Address => new($"http://127.0.0.1:{Port}");

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes that the near end, such as a browser, was sent so far: headers, bodies and framing.</summary>
    internal long Received => Interlocked.Read(ref _received);

    /// <summary>Leads new connections elsewhere: a redeployed site, a restarted server.</summary>
    internal void LeadTo(string host, int port) => _target = new Uri($"tcp://{host}:{port}");

    /// <summary>Changes what the network does, for open connections too.</summary>
    internal void Set(Fault fault)
    {
        _fault = fault;
        if (fault == Fault.Cut)
            CutAll();
    }

    /// <summary>Turns whole answers to requests for a path into something else, after which their connection closes; all else passes.</summary>
    internal void Spoil(string path, Func<byte[], byte[]> with) => _spoiled = new Spoiled($"GET {path}", with);

    /// <summary>All answers pass as they are.</summary>
    internal void SpoilNothing() => _spoiled = null;

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _listener.Dispose();
        CutAll();
        await _accepting;
        _closed.Dispose();
    }

    private void CutAll()
    {
        foreach (var client in _open.Keys)
        {
            if (!_open.TryRemove(client, out _))
                continue;
            try
            {
                client.LingerState = new LingerOption(true, 0);
            }
            catch (ObjectDisposedException)
            {
                // It ends by itself at this moment.
            }

            client.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_closed.Token);
                _ = ServeAsync(near);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient near)
    {
        using var far = new TcpClient();
        _open[near] = true;
        _open[far] = true;
        try
        {
            if (_fault == Fault.Cut)
                return;
            await far.ConnectAsync(_target.Host, _target.Port, _closed.Token);
            await Task.WhenAny(PumpAsync(near.GetStream(), far.GetStream(), SpoilAsync), PumpAsync(far.GetStream(), near.GetStream(), CountAsync));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end is gone: the other is closed below.
        }
        finally
        {
            _open.TryRemove(near, out _);
            _open.TryRemove(far, out _);
            near.LingerState = new LingerOption(true, 0);
            near.Dispose();
        }
    }

    private Task<bool> CountAsync(ReadOnlyMemory<byte> bytes, NetworkStream from)
    {
        Interlocked.Add(ref _received, bytes.Length);
        return Task.FromResult(false);
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Func<ReadOnlyMemory<byte>, NetworkStream, Task<bool>>? spoil = null)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(_fault == Fault.Drip ? buffer.AsMemory(0, 1) : buffer, _closed.Token);
            if (read == 0)
                return;
            if (spoil is not null && await spoil(buffer.AsMemory(0, read), from))
                return;
            while (_fault == Fault.BlackHole)
                await Task.Delay(TimeSpan.FromMilliseconds(20), _closed.Token);
            if (_fault is Fault.Delay or Fault.Drip)
                await Task.Delay(TimeSpan.FromMilliseconds(_fault == Fault.Drip ? 1_000 : 500), _closed.Token);
            await to.WriteAsync(buffer.AsMemory(0, read), _closed.Token);
        }
    }

    private async Task<bool> SpoilAsync(ReadOnlyMemory<byte> request, NetworkStream near)
    {
        if (_spoiled is not { } spoiled || !request.Span.StartsWith(Encoding.ASCII.GetBytes(spoiled.Request)))
            return false;
        using var far = new TcpClient();
        await far.ConnectAsync(_target.Host, _target.Port, _closed.Token);
        await far.GetStream().WriteAsync(request, _closed.Token);
        await near.WriteAsync(spoiled.With(await ReadAnswerAsync(far.GetStream())), _closed.Token);

        // An orderly end, until the browser closes too: a reset could take away what it has not read yet.
        near.Socket.Shutdown(SocketShutdown.Send);
        _ = await near.ReadAsync(new byte[1], _closed.Token);
        return true;
    }

    private async Task<byte[]> ReadAnswerAsync(NetworkStream far)
    {
        var answer = new List<byte>();
        var buffer = new byte[16 * 1024];
        int read;
        while (!IsWhole(answer) && (read = await far.ReadAsync(buffer, _closed.Token)) > 0)
            answer.AddRange(buffer.AsSpan(0, read));
        return [.. answer];
    }

    private static bool IsWhole(List<byte> answer)
    {
        var text = Encoding.Latin1.GetString([.. answer]);
        var body = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        if (body < 4)
            return false;
        var length = Regex.Match(text[..body], @"Content-Length: (\d+)").Groups[1].Value;
        return length == "" || text.Length - body >= int.Parse(length, CultureInfo.InvariantCulture);
    }

    private sealed record Spoiled(string Request, Func<byte[], byte[]> With);
}
