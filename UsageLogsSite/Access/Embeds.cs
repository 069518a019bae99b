using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Linq.Expressions;
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

    private const int MostOrigins = 10_000;

    private readonly GrantMemory<Embed> _memory = new(embed => embed.Id);

    /// <summary>Who may frame the widgets that were seen, by token: outlives what opens them, as it opens nothing.</summary>
    private readonly ConcurrentDictionary<string, string[]> _origins = new(StringComparer.Ordinal);

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    /// <summary>
    /// The widget of a token; null if there is none, or it has expired or was revoked. From memory where the token is known; a token that
    /// stands for nothing is never remembered.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal ValueTask<Embed?> FindAsync(string token, CancellationToken cancellation)
    {
        var hash = Hash(token);
        return FindAsync(KeyOf(hash), embed => embed.TokenHash == hash, cancellation);
    }

    /// <summary>The widget for each viewer that has this id; null if there is none, or it has expired or was revoked.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal ValueTask<Embed?> FindPerViewerAsync(Guid id, CancellationToken cancellation) =>
        FindAsync(KeyOf(id), embed => embed.Id == id && embed.Secret != null, cancellation);

    /// <summary>The origins that could frame the widget of a token when it was last looked up here; none if it never was.</summary>
    internal string[] OriginsOf(string token) => _origins.GetValueOrDefault(KeyOf(Hash(token))) ?? [];

    /// <summary>Those of the widget for each viewer that has this id.</summary>
    internal string[] OriginsOf(Guid id) => _origins.GetValueOrDefault(KeyOf(id)) ?? [];

    /// <summary>Whether a widget is as it was when it was looked up, as far as has been heard.</summary>
    internal bool Remembers(Embed embed) => _memory.Has(embed);

    /// <summary>A widget may be over.</summary>
    internal void Forget(Guid id) => _memory.Forget(id);

    /// <summary>Any widget may be over.</summary>
    internal void ForgetAll() => _memory.ForgetAll();

    /// <summary>From now on changes are heard: widgets are remembered.</summary>
    internal void Trust() => _memory.ForgetAll(isTrusted: true);

    /// <summary>Changes are not heard: nothing is remembered until <see cref="Trust"/>.</summary>
    internal void Lose() => _memory.ForgetAll(isTrusted: false);

    /// <summary>A widget, whether it may be seen or not; null if there is none.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<Embed?> FindAsync(Guid id, CancellationToken cancellation) =>
        ConnectionRetry.RunAsync(contexts, (database, c) => database.Embeds.SingleOrDefaultAsync(e => e.Id == id, c), cancellation);

    /// <summary>Those of these widgets that may still be seen, and when each ends, in UTC; null for never.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<Dictionary<Guid, DateTime?>> FindAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) => ConnectionRetry.RunAsync(
        contexts,
        (database, c) => Open(database).Where(e => ids.Contains(e.Id)).ToDictionaryAsync(e => e.Id, e => e.ExpiresAt, c),
        cancellation);

    /// <summary>Adds a widget for everybody who has its token.</summary>
    /// <param name="embed">What it shows, and where; its token is made here.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The token, which nobody can find out again.</returns>
    internal async Task<string> AddAsync(Embed embed, CancellationToken cancellation)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        embed.TokenHash = Hash(token);
        await SaveAsync(embed, cancellation);
        return token;
    }

    /// <summary>Adds a widget for each viewer.</summary>
    /// <param name="embed">What it shows, and where.</param>
    /// <param name="secrets">Makes its secret.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The secret that viewers' tokens are signed with; it is not shown again.</returns>
    internal async Task<string> AddPerViewerAsync(Embed embed, EmbedSecrets secrets, CancellationToken cancellation)
    {
        (var secret, embed.Secret) = secrets.Create();
        await SaveAsync(embed, cancellation);
        return secret;
    }

    /// <summary>All widgets, the newest first.</summary>
    internal Task<List<Embed>> ListAsync(CancellationToken cancellation) => ConnectionRetry.RunAsync(
        contexts, (database, c) => database.Embeds.OrderByDescending(e => e.CreatedAt).ThenBy(e => e.Id).ToListAsync(c), cancellation);

    /// <summary>Revokes a widget for good: open streams end.</summary>
    /// <returns>Whether there was one that was not revoked yet.</returns>
    internal async Task<bool> RevokeAsync(Guid id, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var now = Now;
        var isRevoked = await database.Embeds.Where(e => e.Id == id && e.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(e => e.RevokedAt, now), cancellation) > 0;
        Forget(id); // this instance need not wait to be told
        return isRevoked;
    }

    private ValueTask<Embed?> FindAsync(string key, Expression<Func<Embed, bool>> isMeant, CancellationToken cancellation) =>
        _memory.Find(key) is { } known && !(known.ExpiresAt <= Now) ? new(known) : new(LookAsync(key, isMeant, cancellation));

    private async Task<Embed?> LookAsync(string key, Expression<Func<Embed, bool>> isMeant, CancellationToken cancellation)
    {
        var age = _memory.Age;
        var embed = await ConnectionRetry.RunAsync(contexts, (database, c) => Open(database).SingleOrDefaultAsync(isMeant, c), cancellation);
        if (embed is null)
        {
            _origins.TryRemove(key, out _);
            return null;
        }

        _memory.Keep(key, embed, age);
        if (_origins.Count >= MostOrigins)
            _origins.Clear();
        _origins[key] = embed.Origins;
        return embed;
    }

    private static string KeyOf(byte[] hash) => Convert.ToBase64String(hash);

    private static string KeyOf(Guid id) => id.ToString();

    private async Task SaveAsync(Embed embed, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        database.Embeds.Add(embed);
        await database.SaveChangesAsync(cancellation);
    }

    private IQueryable<Embed> Open(UsageDbContext database)
    {
        var now = Now;
        return database.Embeds.Where(e => e.RevokedAt == null && (e.ExpiresAt == null || e.ExpiresAt > now));
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
