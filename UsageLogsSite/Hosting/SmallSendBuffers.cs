using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Lets the site notice readers that do not read: by default the kernel and Kestrel would take megabytes of small events for each of
/// them before a write waits.
/// </summary>
internal static class SmallSendBuffers
{
    private const int Bytes = 16 * 1024;

    internal static void UseSmallSendBuffers(this IWebHostBuilder host)
    {
        host.ConfigureServices(services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxResponseBufferSize = Bytes));
        host.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
        {
            // Accepted connections inherit the size.
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.SendBufferSize = Bytes;
            return socket;
        });
    }
}
