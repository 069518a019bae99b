using System.Security.Cryptography;
using System.Text.Json;

namespace UsageLogsSite.Queries;

/// <summary>A short name for content: SHA-256, the first 16 bytes in base64url (RFC 4648, section 5).</summary>
internal static class ContentHash
{
    private const int Bytes = 16;

    /// <summary>The build is part of the content: a new template must not be taken for an old fragment.</summary>
    private static readonly string Build = typeof(ContentHash).Module.ModuleVersionId.ToString("N");

    internal static string Of<T1, T2>(string key, T1 first, T2 second) =>
        Of(JsonSerializer.SerializeToUtf8Bytes(new { Build, key, first, second }));

    internal static string Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return System.Buffers.Text.Base64Url.EncodeToString(hash[..Bytes]);
    }
}
