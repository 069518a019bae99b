using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Lets the site notice readers that do not read, and hold little for those that do: by default the kernel and Kestrel would take
/// megabytes of small events for each of them before a write waits.
/// </summary>
internal static class SmallSendBuffers
{
    private const int Bytes = 16 * 1024;

    internal static void UseSmallSendBuffers(this IWebHostBuilder host)
    {
        host.ConfigureServices(services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxResponseBufferSize = Bytes));
        host.UseSockets(sockets =>
        {
            // A write goes on to the socket where it is, and its buffer comes back at once: ten thousand of them in line would each hold
            // one. No request runs on the thread that waits for sockets: that would take a setting of the runtime as well.
            sockets.UnsafePreferInlineScheduling = true;
            sockets.CreateBoundListenSocket = endpoint =>
            {
                // Accepted connections inherit the size.
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
                socket.SendBufferSize = Bytes;
                return socket;
            };
        });
    }
}
