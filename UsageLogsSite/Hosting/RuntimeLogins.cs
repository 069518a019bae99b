using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>
/// The site's own logins, for whoever gives it the owner's connection only: one for each duty and database, a member of the duty's role
/// and nothing else. They are logins, and not roles that a connection of the owner takes on: what can be taken on can be laid down.
/// </summary>
/// <param name="owner">The database, as the owner of the tables.</param>
/// <param name="database">The database's name.</param>
/// <param name="roles">The roles of the duties that need a login.</param>
internal sealed class RuntimeLogins(NpgsqlDataSource owner, string database, IReadOnlyList<string> roles) : IDisposable
{
    /// <summary>PostgreSQL cuts longer names off (NAMEDATALEN).</summary>
    private const int LongestName = 63;

    private readonly SemaphoreSlim _making = new(1);
    private volatile IReadOnlyDictionary<string, string>? _passwords;

    /// <summary>The login of a role in this database.</summary>
    internal string NameOf(string role) => NameOf(role, database);

    /// <summary>The login of a role in a database: different for each, as logins belong to the whole server.</summary>
    internal static string NameOf(string role, string database)
    {
        var name = $"{role}_{database}";
        if (Encoding.UTF8.GetByteCount(name) <= LongestName)
            return name;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(database)))[..16];
        var start = database.Length;
        while (Encoding.UTF8.GetByteCount($"{role}_{database.AsSpan(0, start)}_{hash}") > LongestName || char.IsHighSurrogate(database[start - 1]))
            start--;
        return $"{role}_{database[..start]}_{hash}";
    }

    /// <summary>The password of a login; the first to ask makes all logins that are missing.</summary>
    /// <exception cref="NpgsqlException">The database failed, or the owner may not make logins.</exception>
    internal async ValueTask<string> PasswordAsync(string login, CancellationToken cancellation)
    {
        if (_passwords is { } known)
            return known[login];
        await _making.WaitAsync(cancellation);
        try
        {
            _passwords ??= await FindOrMakeAsync(cancellation);
        }
        finally
        {
            _making.Release();
        }

        return _passwords[login];
    }

    /// <summary>Gives a login its password again: where a copy of a database came to another server, that one has another.</summary>
    /// <exception cref="NpgsqlException">The database failed, or the owner may not change the login.</exception>
    internal async Task RenewAsync(string login, CancellationToken cancellation)
    {
        var password = await PasswordAsync(login, cancellation);
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        await using var transaction = await LockAsync(connection, cancellation);
        await ExecuteAsync(connection, $"ALTER ROLE {Quote(login)} LOGIN PASSWORD '{ScramVerifier.Of(password)}'", cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <inheritdoc />
    public void Dispose() => _making.Dispose();

    private async Task<IReadOnlyDictionary<string, string>> FindOrMakeAsync(CancellationToken cancellation)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);

        // Nearly always all are there: then nothing is written, so that a database that is read-only serves pages too.
        var found = await ReadAsync(connection, cancellation);
        if (!found.All(login => login.IsComplete) || found.Count < roles.Count)
        {
            await using var transaction = await LockAsync(connection, cancellation);
            await using (var keep = new NpgsqlCommand("INSERT INTO site_logins (role) SELECT unnest($1) ON CONFLICT DO NOTHING", connection))
            {
                keep.Parameters.Add(Names());
                await keep.ExecuteNonQueryAsync(cancellation);
            }

            found = await ReadAsync(connection, cancellation);
            var statements = found.Where(login => !login.IsComplete).Select(Make);
            await ExecuteAsync(connection, string.Join(";", statements), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        return found.ToDictionary(login => login.Name, login => login.Password);
    }

    private static string Make(Login login) => login.Exists
        ? $"GRANT {Quote(login.Role)} TO {Quote(login.Name)}"
        : $"CREATE ROLE {Quote(login.Name)} LOGIN PASSWORD '{ScramVerifier.Of(login.Password)}' IN ROLE {Quote(login.Role)}";

    private async Task<IReadOnlyList<Login>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT l.role, l.password, n.role, r.oid IS NOT NULL, coalesce(pg_has_role(r.oid, g.oid, 'MEMBER'), false)
            FROM unnest($1, $2) n (login, role) JOIN site_logins l ON l.role = n.login
            LEFT JOIN pg_roles r ON r.rolname = n.login LEFT JOIN pg_roles g ON g.rolname = n.role
            """,
            connection);
        command.Parameters.Add(Names());
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. roles] });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var logins = new List<Login>();
        while (await reader.ReadAsync(cancellation))
            logins.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3), reader.GetBoolean(4)));
        return logins;
    }

    // Several instances may start at once.
    private static async Task<NpgsqlTransaction> LockAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(hashtext('site logins'))", cancellation);
        return transaction;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlParameter<string[]> Names() => new NpgsqlParameter<string[]> { TypedValue = [.. roles.Select(NameOf)] };

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <param name="Name">The login's name.</param>
    /// <param name="Password">What it signs in with.</param>
    /// <param name="Role">The role that it is a member of.</param>
    /// <param name="Exists">Whether the server has it.</param>
    /// <param name="IsMember">Whether it has its role.</param>
    private sealed record Login(string Name, string Password, string Role, bool Exists, bool IsMember)
    {
        internal bool IsComplete => Exists && IsMember;
    }
}
