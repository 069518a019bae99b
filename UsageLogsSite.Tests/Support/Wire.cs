using System.Net.Sockets;
using System.Text;

namespace UsageLogsSite.Tests.Support;

/// <summary>Requests that no client would send.</summary>
internal static class Wire
{
    /// <summary>Asks on a socket of its own, as no client would write such addresses.</summary>
    /// <returns>The whole answer, but for its date.</returns>
    internal static async Task<string> AskAsync(Site site, string method, string target, string headers = "", string body = "")
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(site.Address.Host, site.Address.Port, cancellation);
        await using var wire = client.GetStream();
        await wire.WriteAsync(Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: {site.Address.Authority}\r\nConnection: close\r\n{headers}Content-Length: {body.Length}\r\n\r\n{body}"), cancellation);
        using var reader = new StreamReader(wire, Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(cancellation);
        return string.Join('\n', answer.Split("\r\n").Where(line => !line.StartsWith("Date: ", StringComparison.Ordinal)));
    }
}
