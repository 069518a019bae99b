using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace UsageLogsSite.Alerts;

/// <summary>What a webhook's messages are signed with: 256 random bits, written as Standard Webhooks has it (<c>whsec_</c> and base64).</summary>
internal static class WebhookSecret
{
    private const string Purpose = "UsageLogsSite.Alerts.WebhookSecret";
    private const string Prefix = "whsec_";

    /// <summary>A new one, to be shown once.</summary>
    internal static string Make() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>As it is stored: who reads the table cannot sign.</summary>
    internal static string Protect(IDataProtectionProvider provider, string secret) => provider.CreateProtector(Purpose).Protect(secret);

    /// <summary>What was stored.</summary>
    /// <exception cref="CryptographicException">The keys that it was stored with are gone.</exception>
    internal static string Unprotect(IDataProtectionProvider provider, string stored) => provider.CreateProtector(Purpose).Unprotect(stored);

    /// <summary>The header <c>webhook-signature</c> of a message.</summary>
    /// <param name="secret">The secret, as it was shown.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>: seconds since 1970.</param>
    /// <param name="body">The message.</param>
    internal static string Sign(string secret, string id, long timestamp, byte[] body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes(FormattableString.Invariant($"{id}.{timestamp}.")), .. body];
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret[Prefix.Length..]), signed));
    }
}
