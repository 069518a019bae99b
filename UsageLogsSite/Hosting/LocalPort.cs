using System.Net;
using System.Net.Sockets;

namespace UsageLogsSite.Hosting;

/// <summary>TCP ports of 127.0.0.1. What is free now may be taken a moment later.</summary>
internal static class LocalPort
{
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

    /// <summary>One on which nobody listens.</summary>
    internal static int Any()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
