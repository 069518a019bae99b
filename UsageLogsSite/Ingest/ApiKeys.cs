using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Ingest;

/// <summary>
/// Who writes over HTTP. A key that was looked up is believed for two seconds: so busy senders cost no query for each request, and a key
/// that is revoked stops that soon on every instance, whether these hear of anything or not.
/// </summary>
internal sealed partial class ApiKeys(Databases databases, TimeProvider time, ILogger<ApiKeys> logger)
{
    /// <summary>How every key begins: a key in the wrong place is found by it.</summary>
    internal const string Prefix = "ulk_";

    private const int KeyBytes = 32;
    private const int MostKnown = 10_000;

    private static readonly int Length = Prefix.Length + Base64Url.GetEncodedLength(KeyBytes);
    private static readonly TimeSpan BelievedFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan UseWritten = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <summary>A new key, and what of it is stored.</summary>
    internal static (string Key, byte[] Hash) Create()
    {
        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        return (key, Hash(key));
    }

    /// <summary>Whose key it is; null if it is nobody's, or was revoked. Most often known without asking.</summary>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal ValueTask<ApiKeyGrant?> FindAsync(string key, CancellationToken cancellation)
    {
        if (key.Length != Length || !key.StartsWith(Prefix, StringComparison.Ordinal))
            return default;
        return _known.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < BelievedFor ? new(known.Grant) : new(LookAsync(key, cancellation));
    }

    /// <summary>Whether a key was good when it was last looked up here, however long ago.</summary>
    internal bool Knows(string key) => _known.ContainsKey(key);

    private async Task<ApiKeyGrant?> LookAsync(string key, CancellationToken cancellation)
    {
        var at = time.GetTimestamp();
        await using var find = databases.Ingest!.CreateCommand("SELECT id, source, scopes, last_used_at FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL");
        find.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Hash(key) });
        ApiKeyGrant? grant = null;
        DateTime? used = null;
        await using (var reader = await find.ExecuteReaderAsync(cancellation))
        {
            if (await reader.ReadAsync(cancellation))
            {
                grant = new(reader.GetGuid(0), reader.GetString(1), reader.GetFieldValue<string[]>(2));
                used = await reader.IsDBNullAsync(3, cancellation) ? null : reader.GetDateTime(3);
            }
        }

        if (grant is null)
        {
            _known.TryRemove(key, out _);
            return null;
        }

        if (_known.Count >= MostKnown)
            _known.Clear();
        _known[key] = new(grant, at);
        if (!(time.GetUtcNow().UtcDateTime - used < UseWritten))
            await WriteUseAsync(grant.Id, cancellation);
        return grant;
    }

    // A database that is read-only is no reason to refuse the key: what it is for will fail by itself.
    private async Task WriteUseAsync(Guid id, CancellationToken cancellation)
    {
        try
        {
            await using var write = databases.Ingest!.CreateCommand("UPDATE api_keys SET last_used_at = $2 WHERE id = $1");
            write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            write.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
            await write.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException e)
        {
            LogUseNotWritten(logger, id, e.MessageText);
        }
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    [LoggerMessage(6001, LogLevel.Warning, "Ingest: that API key {Id} was used could not be written down: {Reason}")]
    private static partial void LogUseNotWritten(ILogger logger, Guid id, string reason);

    /// <param name="Grant">What the key may do.</param>
    /// <param name="At">The timestamp from before it was looked up.</param>
    private sealed record Known(ApiKeyGrant Grant, long At);
}

/// <summary>What a key stands for.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Source">Whose row ids and idempotency keys it uses.</param>
/// <param name="Scopes">What it may write.</param>
internal sealed record ApiKeyGrant(Guid Id, string Source, string[] Scopes);
