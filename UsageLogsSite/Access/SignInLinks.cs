using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace UsageLogsSite.Access;

/// <summary>Links that sign an account in once, within an hour. Only a link's hash is kept, in this instance's memory; a new link replaces the one before.</summary>
internal sealed class SignInLinks(TimeProvider time)
{
    /// <summary>How long a link can be opened.</summary>
    internal static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private const int TokenBytes = 32;

    private Link? _link;

    /// <summary>Makes a link for an account.</summary>
    /// <returns>Its path on this site.</returns>
    internal string Create(Guid account)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        Volatile.Write(ref _link, new Link(Hash(token), account, time.GetUtcNow() + Lifetime));
        return $"/account/link/{token}";
    }

    /// <summary>Whether there is a link that can still be opened.</summary>
    internal bool IsOpen => Volatile.Read(ref _link) is { } link && time.GetUtcNow() < link.Expires;

    /// <summary>Uses a link up.</summary>
    /// <returns>The account that it signs in; null if it was used, is too old or never was.</returns>
    internal Guid? Redeem(string token)
    {
        var link = Volatile.Read(ref _link);
        return link is not null
            && CryptographicOperations.FixedTimeEquals(link.Hash, Hash(token))
            && Interlocked.CompareExchange(ref _link, null, link) == link
            && time.GetUtcNow() < link.Expires
                ? link.Account
                : null;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private sealed record Link(byte[] Hash, Guid Account, DateTimeOffset Expires);
}
