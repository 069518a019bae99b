using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace UsageLogsSite.Access;

/// <summary>Makes and keeps what viewers' tokens are signed with: the database has it encrypted, as signatures cannot be checked with a hash.</summary>
internal sealed class EmbedSecrets(IDataProtectionProvider protection)
{
    private const int SecretBytes = 32; // as long as what HMAC-SHA256 makes of it (RFC 7518, section 3.2)

    private readonly IDataProtector _protector = protection.CreateProtector("UsageLogsSite.Access.EmbedSecrets");

    /// <summary>A new secret, and what of it is stored.</summary>
    internal (string Secret, byte[] Protected) Create()
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        return (secret, _protector.Protect(Encoding.ASCII.GetBytes(secret)));
    }

    /// <summary>The key that a stored secret signs with: its characters, as any JWT library takes them.</summary>
    /// <exception cref="CryptographicException">It cannot be read any more: the keys of the database are others.</exception>
    internal byte[] Open(byte[] stored) => _protector.Unprotect(stored);
}
