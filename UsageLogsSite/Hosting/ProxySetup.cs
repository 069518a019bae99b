using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace UsageLogsSite.Hosting;

/// <summary>Learns from known proxies where a request comes from, and whether it came by https. What anybody else says of it is left unread.</summary>
internal static class ProxySetup
{
    internal static void AddProxy(this WebApplicationBuilder builder)
    {
        // The framework's own switch believes everybody, so that each client could be anybody to limits and to the audit log.
        if (string.Equals(builder.Configuration["FORWARDEDHEADERS_ENABLED"], "true", StringComparison.OrdinalIgnoreCase))
        {
            throw new StartupException(
                "ASPNETCORE_FORWARDEDHEADERS_ENABLED is true, which would let every client forge its address. Remove it, and name your proxies: Proxy:KnownProxies or Proxy:KnownNetworks.");
        }

        builder.AddSettings<ProxyOptions>("Proxy");
    }

    /// <summary>Before all else: limits, cookies, sessions and the audit log go by the client's address and scheme.</summary>
    internal static void UseProxy(this WebApplication app)
    {
        var proxy = app.Services.GetRequiredService<IOptions<ProxyOptions>>().Value;
        var options = new ForwardedHeadersOptions
        {
            // Not the host: proxies pass Host on as it is, and what makes links should have one source.
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,

            // A chain is walked from its end for as long as its senders are known: the first who is not is the client.
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var address in AddressesAttribute.PartsOf(proxy.KnownProxies))
            options.KnownProxies.Add(IPAddress.Parse(address));
        foreach (var network in AddressesAttribute.PartsOf(proxy.KnownNetworks))
            options.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network));

        // The framework takes two empty lists for everybody.
        if (options.KnownProxies.Count + options.KnownIPNetworks.Count > 0)
            app.UseForwardedHeaders(options);
    }
}
