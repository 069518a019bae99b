namespace UsageLogsSite.Hosting;

/// <summary>Whose word on where a request comes from is believed: section <c>Proxy</c> of the settings. Nobody's by default.</summary>
internal sealed class ProxyOptions
{
    /// <summary>Networks that only proxies are in, in CIDR notation, with commas between.</summary>
    [Addresses("Proxy", areNetworks: true)]
    public string KnownNetworks { get; set; } = "";

    /// <summary>Addresses of single proxies, with commas between.</summary>
    [Addresses("Proxy", areNetworks: false)]
    public string KnownProxies { get; set; } = "";
}
