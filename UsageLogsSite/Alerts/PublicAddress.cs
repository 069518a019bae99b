using System.Net;

namespace UsageLogsSite.Alerts;

/// <summary>Tells addresses of the public internet from those that lead into a machine or its network (server-side request forgery).</summary>
internal static class PublicAddress
{
    /// <summary>What is not public of IPv4, by the registry of special-purpose addresses (RFC 6890 and its successors), and multicast.</summary>
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>All that is given out of IPv6; whatever is outside of it is local, reserved or carries an IPv4 address.</summary>
    private static readonly IPNetwork GivenOut = IPNetwork.Parse("2000::/3");

    /// <summary>Inside of it: protocols and Teredo, documentation, and 6to4.</summary>
    private static readonly IPNetwork[] SpecialOfGivenOut = [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("3fff::/20")];

    /// <summary>Whether an address is one of the public internet.</summary>
    internal static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? !Special.Any(network => network.Contains(address))
            : GivenOut.Contains(address) && !SpecialOfGivenOut.Any(network => network.Contains(address));
    }
}
