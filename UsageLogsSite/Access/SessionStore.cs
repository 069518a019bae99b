using System.Buffers.Text;
using System.Runtime.ExceptionServices;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Access;

/// <summary>
/// Keeps sessions in PostgreSQL. The cookie carries a random key and the table its hash; who somebody is and what they may see is read
/// from the account each time, so that a change holds at once.
/// </summary>
internal sealed class SessionStore : ITicketStore
{
    private const int KeyBytes = 32;
    private const int LongestDevice = 200;

    private const string Find =
        """
        SELECT s.id, s.account_id, a.email, a.role, a.user_id, s.expires_at
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE s.id = ANY ($1) AND s.expires_at > $2 AND NOT a.is_disabled
        """;

    private const int MostAtOnce = 500;
    private const int QueriesAtOnce = 2;

    private readonly NpgsqlDataSource _source;
    private readonly SessionsOptions _options;
    private readonly TimeProvider _time;

    /// <summary>When all are forgotten at once, a thousand open pages ask within a second: that must not be a thousand connections.</summary>
    private readonly Groups<byte[], Visitor?> _lookups;

    /// <summary>Asks nothing yet.</summary>
    public SessionStore(Databases databases, IOptions<SessionsOptions> options, TimeProvider time)
    {
        (_source, _options, _time) = (databases.Admin, options.Value, time);
        _lookups = new(MostAtOnce, QueriesAtOnce, FindAsync);
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>Who signs in; what they may do is read from the account later.</summary>
    internal static ClaimsPrincipal PrincipalOf(Guid account) =>
        new(new ClaimsIdentity([new(ClaimTypes.NameIdentifier, account.ToString())], IdentityConstants.ApplicationScheme));

    /// <summary>The visitor of a key that a cookie carries; null if there is no such session any more.</summary>
    internal Task<Visitor?> FindAsync(string key, CancellationToken cancellation) => _lookups.AskAsync(Hash(key), cancellation);

    /// <summary>Those of these sessions that are not over, by <see cref="Visitor.SessionId"/>.</summary>
    internal Task<Dictionary<string, Visitor>> FindAsync(byte[][] ids, CancellationToken cancellation) =>
        ConnectionRetry.RunAsync(_source, () => FindOnceAsync(ids, cancellation));

    private async Task FindAsync(IReadOnlyList<Groups<byte[], Visitor?>.Member> group)
    {
        var found = await FindAsync([.. group.Select(member => member.Asked)], CancellationToken.None);
        foreach (var member in group)
            member.Answer.SetResult(found.GetValueOrDefault(Convert.ToBase64String(member.Asked)));
    }

    private async Task<Dictionary<string, Visitor>> FindOnceAsync(byte[][] ids, CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand(Find);
        command.Parameters.AddWithValue(ids);
        command.Parameters.AddWithValue(Now);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = new Dictionary<string, Visitor>();
        while (await reader.ReadAsync(cancellation))
        {
            var id = Convert.ToBase64String(reader.GetFieldValue<byte[]>(0));
            found.Add(id, new Visitor(
                id,
                reader.GetGuid(1),
                reader.IsDBNull(2) ? "" : reader.GetString(2),
                Enum.Parse<AccountRole>(reader.GetString(3), ignoreCase: true),
                reader.IsDBNull(4) ? null : reader.GetGuid(4),
                reader.GetDateTime(5)));
        }

        return found;
    }

    /// <summary>Ends sessions of an account.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="but">The <see cref="Visitor.SessionId"/> of one that stays; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many.</returns>
    internal async Task<int> EndAsync(Guid account, string? but, CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand("DELETE FROM sessions WHERE account_id = $1 AND id <> $2");
        command.Parameters.AddWithValue(account);
        command.Parameters.AddWithValue(but is null ? [] : Convert.FromBase64String(but));
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <inheritdoc />
    public async Task<string> StoreAsync(AuthenticationTicket ticket, HttpContext httpContext, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        ArgumentNullException.ThrowIfNull(httpContext);
        var key = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        var device = httpContext.Request.Headers.UserAgent.ToString();
        await using var insert = _source.CreateCommand(
            """
            WITH over AS (DELETE FROM sessions WHERE expires_at <= $3)
            INSERT INTO sessions (id, account_id, created_at, expires_at, device, address) VALUES ($1, $2, $3, $4, $5, $6)
            """);
        insert.Parameters.AddWithValue(Hash(key));
        insert.Parameters.AddWithValue(Guid.Parse(ticket.Principal.FindFirstValue(ClaimTypes.NameIdentifier)!));
        insert.Parameters.AddWithValue(Now);
        insert.Parameters.AddWithValue(Now + _options.Lifetime);
        insert.Parameters.AddWithValue(StoredText.Of(device, LongestDevice));
        insert.Parameters.AddWithValue(ClientId.AddressOf(httpContext));
        await insert.ExecuteNonQueryAsync(cancellationToken);
        return key;
    }

    /// <inheritdoc />
    public async Task<AuthenticationTicket?> RetrieveAsync(string key, HttpContext httpContext, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        try
        {
            if (await FindAsync(key, cancellationToken) is not { } visitor)
                return null;
            httpContext.Features.Set(visitor);
            return TicketOf(visitor);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            // For who may be anybody that is nobody, such as the page that says so; where somebody is needed it is a failure.
            httpContext.Features.Set(new SessionFailure(ExceptionDispatchInfo.Capture(e)));
            return null;
        }
    }

    /// <summary>Begins the session's lifetime anew.</summary>
    public async Task RenewAsync(string key, AuthenticationTicket ticket, HttpContext httpContext, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ticket);

        // The cookie handler would let whoever signs in over an open session go on with its key.
        await using var update = _source.CreateCommand("UPDATE sessions SET expires_at = $3 WHERE id = $1 AND account_id = $2");
        update.Parameters.AddWithValue(Hash(key));
        update.Parameters.AddWithValue(Guid.Parse(ticket.Principal.FindFirstValue(ClaimTypes.NameIdentifier)!));
        update.Parameters.AddWithValue(Now + _options.Lifetime);
        await update.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async Task RemoveAsync(string key, HttpContext httpContext, CancellationToken cancellationToken)
    {
        await using var delete = _source.CreateCommand("DELETE FROM sessions WHERE id = $1");
        delete.Parameters.AddWithValue(Hash(key));
        await delete.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    Task<string> ITicketStore.StoreAsync(AuthenticationTicket ticket) => throw new NotSupportedException();

    /// <inheritdoc />
    Task<AuthenticationTicket?> ITicketStore.RetrieveAsync(string key) => throw new NotSupportedException();

    /// <inheritdoc />
    Task ITicketStore.RenewAsync(string key, AuthenticationTicket ticket) => throw new NotSupportedException();

    /// <inheritdoc />
    Task ITicketStore.RemoveAsync(string key) => throw new NotSupportedException();

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private AuthenticationTicket TicketOf(Visitor visitor)
    {
        var identity = new ClaimsIdentity(
            [
                new(ClaimTypes.NameIdentifier, visitor.AccountId.ToString()),
                new(ClaimTypes.Name, visitor.Email),
                new(ClaimTypes.Role, visitor.Role.ToString()),
            ],
            IdentityConstants.ApplicationScheme);
        var properties = new AuthenticationProperties
        {
            IsPersistent = true,
            IssuedUtc = visitor.Expires - _options.Lifetime, // what the cookie handler counts the second half from
            ExpiresUtc = visitor.Expires,
        };
        return new AuthenticationTicket(new ClaimsPrincipal(identity), properties, IdentityConstants.ApplicationScheme);
    }
}

/// <summary>Why it is not known who asks.</summary>
/// <param name="Cause">What the database failed with.</param>
internal sealed record SessionFailure(ExceptionDispatchInfo Cause);
