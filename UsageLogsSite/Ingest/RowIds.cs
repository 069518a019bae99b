using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace UsageLogsSite.Ingest;

/// <summary>The ids that rows are stored under, and what their contents are told apart by.</summary>
internal static class RowIds
{
    private const int GuidBytes = 16;

    /// <summary>As many decimals as columns have.</summary>
    private const string Amount = "0.##########";

    /// <summary>
    /// The id of a row in its table, made of the source and the id that the source gave it: a source can neither find out nor take the ids of
    /// another one. A UUID of version 8 (RFC 9562, section 5.8).
    /// </summary>
    /// <param name="table">The table: ids of one need not differ from those of another.</param>
    /// <param name="source">Whose id it is.</param>
    /// <param name="id">The id as the source gave it.</param>
    internal static Guid Derive(string table, string source, string id)
    {
        // Each part ends with what none of them can contain.
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{table}\0{source}\0{id}"), hash);
        var bytes = hash[..GuidBytes];
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A hash of what a row says: two that say the same have the same. Numbers count by their value: 1.50 is 1.5.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="values">Texts, amounts and numbers in a fixed order.</param>
    internal static long ContentOf(Guid userId, ReadOnlySpan<object> values)
    {
        var text = new StringBuilder().Append(userId);
        foreach (var value in values)
            text.Append('\0').Append(value is decimal amount ? amount.ToString(Amount, CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture));
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()), hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }
}
