using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Access;

/// <summary>The widgets that may be seen: looked up by their tokens, of which the database has only hashes.</summary>
/// <param name="contexts">Makes contexts.</param>
/// <param name="time">Says what has expired.</param>
internal sealed class Embeds(IDbContextFactory<UsageDbContext> contexts, TimeProvider time)
{
    private const int TokenBytes = 32;

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    /// <summary>The widget of a token; null if there is none, or it has expired or was revoked.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<Embed?> FindAsync(string token, CancellationToken cancellation)
    {
        var hash = Hash(token);
        return ReadRetry.RunAsync(contexts, (database, c) => Open(database).SingleOrDefaultAsync(e => e.TokenHash == hash, c), cancellation);
    }

    /// <summary>A widget, whether it may be seen or not; null if there is none.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<Embed?> FindAsync(Guid id, CancellationToken cancellation) =>
        ReadRetry.RunAsync(contexts, (database, c) => database.Embeds.SingleOrDefaultAsync(e => e.Id == id, c), cancellation);

    /// <summary>Those of these widgets that may still be seen.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<HashSet<Guid>> FindAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) => ReadRetry.RunAsync(
        contexts,
        async (database, c) => (await Open(database).Where(e => ids.Contains(e.Id)).Select(e => e.Id).ToListAsync(c)).ToHashSet(),
        cancellation);

    /// <summary>Adds a widget.</summary>
    /// <param name="embed">What it shows, and where; its token is made here.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The token, which nobody can find out again.</returns>
    internal async Task<string> AddAsync(Embed embed, CancellationToken cancellation)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        embed.TokenHash = Hash(token);
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        database.Embeds.Add(embed);
        await database.SaveChangesAsync(cancellation);
        return token;
    }

    /// <summary>All widgets, the newest first.</summary>
    internal Task<List<Embed>> ListAsync(CancellationToken cancellation) => ReadRetry.RunAsync(
        contexts, (database, c) => database.Embeds.OrderByDescending(e => e.CreatedAt).ThenBy(e => e.Id).ToListAsync(c), cancellation);

    /// <summary>Revokes a widget for good: open streams end.</summary>
    /// <returns>Whether there was one that was not revoked yet.</returns>
    internal async Task<bool> RevokeAsync(Guid id, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var now = Now;
        return await database.Embeds.Where(e => e.Id == id && e.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(e => e.RevokedAt, now), cancellation) > 0;
    }

    private IQueryable<Embed> Open(UsageDbContext database)
    {
        var now = Now;
        return database.Embeds.Where(e => e.RevokedAt == null && (e.ExpiresAt == null || e.ExpiresAt > now));
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
