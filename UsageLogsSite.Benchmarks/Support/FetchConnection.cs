using System.Net;
using System.Net.Sockets;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>
/// A kept-alive connection for fetches, opened on first use. Each viewer has its own, as browsers do, as long as the system's limit of
/// open files allows; past that, viewers share.
/// </summary>
internal sealed class FetchConnection(IPEndPoint address) : IDisposable
{
    private readonly SemaphoreSlim _free = new(1);
    private HttpWire? _wire;
    private long _earlier;

    /// <summary>Bytes received so far.</summary>
    internal long Received => _earlier + (_wire?.Received ?? 0);

    /// <summary>Fetches; a connection that fails is replaced at the next call.</summary>
    /// <param name="request">The request.</param>
    /// <param name="read">Reads the answer, whose body is valid only meanwhile.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<T> GetAsync<T>(ReadOnlyMemory<byte> request, Func<HttpAnswer, T> read, CancellationToken cancellation)
    {
        await _free.WaitAsync(cancellation);
        try
        {
            var wasOpen = _wire is not null;
            try
            {
                return read(await AskAsync(request, cancellation));
            }
            catch (Exception e) when (wasOpen && e is IOException or SocketException)
            {
                // A kept-alive connection may have died unnoticed: browsers try once more on a new one.
                return read(await AskAsync(request, cancellation));
            }
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task<HttpAnswer> AskAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        try
        {
            if (_wire is null)
            {
                _wire = new HttpWire(address);
                await _wire.ConnectAsync(cancellation);
            }

            return await _wire.GetAsync(request, cancellation);
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <summary>Gives up the connection; the next fetch opens a new one.</summary>
    internal void Close()
    {
        _earlier += _wire?.Received ?? 0;
        _wire?.Dispose();
        _wire = null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _wire?.Dispose();
        _free.Dispose();
    }
}
