using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Ingest;

/// <summary>What owners and the operator do to API keys, written down.</summary>
internal sealed class ApiKeyChanges(UsageDbContext database, Audit audit, TimeProvider time)
{
    /// <summary>All keys, the newest first.</summary>
    internal Task<List<ApiKey>> ListAsync(CancellationToken cancellation) =>
        database.ApiKeys.AsNoTracking().OrderByDescending(k => k.CreatedAt).ThenBy(k => k.Id).ToListAsync(cancellation);

    /// <summary>Makes a key.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="name">What people call it.</param>
    /// <param name="source">Whose ids it uses; empty for the name.</param>
    /// <param name="scopes">What it may write.</param>
    /// <param name="cancellation">Gives up, unless the key is there already.</param>
    /// <returns>The key, which nobody can find out again, and what is stored.</returns>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal async Task<(string Key, ApiKey Stored)> AddAsync(HttpContext? http, string? name, string? source, IReadOnlyCollection<string> scopes, CancellationToken cancellation)
    {
        var (called, from) = (Text(name, "A name"), Text(string.IsNullOrWhiteSpace(source) ? name : source, "A source"));
        if (scopes.Count == 0 || scopes.Except(RowKind.Scopes).Any())
            throw new FormatException($"Scopes must be some of {string.Join(", ", RowKind.Scopes)}.");
        var (key, hash) = ApiKeys.Create();
        var stored = new ApiKey
        {
            Name = called,
            Source = from,
            KeyHash = hash,
            Scopes = [.. scopes.Distinct().Order(StringComparer.Ordinal)],
            CreatedBy = http?.Features.Get<Visitor>()?.AccountId,
        };
        database.ApiKeys.Add(stored);
        await database.SaveChangesAsync(cancellation);
        await WriteAsync(http, AuditAction.AddedApiKey, stored);
        return (key, stored);
    }

    /// <summary>Revokes a key for good: it is refused within two seconds, on every instance.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="id">Which.</param>
    /// <param name="cancellation">Gives up, unless it is revoked already.</param>
    /// <returns>The key; null if there was none that was not revoked yet.</returns>
    internal async Task<ApiKey?> RevokeAsync(HttpContext? http, Guid id, CancellationToken cancellation)
    {
        // Looked up first: once it is revoked nothing may stand between that and its entry.
        if (await database.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == id, cancellation) is not { } key)
            return null;
        var now = time.GetUtcNow().UtcDateTime;
        var revoked = await database.ApiKeys.Where(k => k.Id == id && k.RevokedAt == null).ExecuteUpdateAsync(set => set.SetProperty(k => k.RevokedAt, now), cancellation);
        if (revoked == 0)
            return null;
        await WriteAsync(http, AuditAction.RevokedApiKey, key);
        return key;
    }

    /// <exception cref="FormatException">It is empty, too long or cannot be stored.</exception>
    private static string Text(string? text, string what)
    {
        var trimmed = text?.Trim() ?? "";
        return trimmed.Length is > 0 and <= ApiKey.LongestName && !trimmed.Any(char.IsControl) && trimmed.IsNormalized()
            ? trimmed
            : throw new FormatException($"{what} must have 1 to {ApiKey.LongestName} characters.");
    }

    // What is done is written down, even if whoever asked for it has given up meanwhile.
    private Task WriteAsync(HttpContext? http, AuditAction action, ApiKey key) => audit.WriteAsync(
        http, action, key.Id.ToString(), $"{key.Name}: source {key.Source}, {string.Join(' ', key.Scopes)}", CancellationToken.None);
}
