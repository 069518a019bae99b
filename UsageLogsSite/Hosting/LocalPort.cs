using System.Net;
using System.Net.Sockets;

namespace UsageLogsSite.Hosting;

/// <summary>TCP ports of 127.0.0.1. What is free now may be taken a moment later.</summary>
internal static class LocalPort
{
    private const int FirstChosen = 20_000;

    /// <summary>From here on Linux has ports for outgoing connections and for who asks for any (<c>ip_local_port_range</c>); others begin higher.</summary>
    private const int FirstGivenAway = 32_768;

    /// <summary>Whether nobody listens on a port.</summary>
    internal static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>One on which nobody listens, of those that no system gives away by itself: it likely stays free until it is used, or used again.</summary>
    internal static int Any()
    {
        int port;
        do
            port = Random.Shared.Next(FirstChosen, FirstGivenAway);
        while (!IsFree(port));
        return port;
    }
}
