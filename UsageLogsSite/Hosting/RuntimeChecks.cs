using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Row-level security holds for those only who cannot lift it. A site whose connections can do more than their duty does not start.
/// </summary>
internal static class RuntimeChecks
{
    /// <summary>
    /// Who a connection is, and what that role is or could become. Of the role that signed in: a role taken on can be laid down. Whoever
    /// runs programs or reads files of the server can become anybody, and so can whoever makes roles.
    /// </summary>
    private const string RoleQuestion = """
        SELECT r.rolname,
               CASE WHEN r.rolsuper THEN 'is a superuser'
                    WHEN r.rolbypassrls THEN 'has BYPASSRLS'
                    WHEN r.rolcreaterole THEN 'has CREATEROLE'
                    WHEN r.rolreplication THEN 'has REPLICATION'
                    ELSE (SELECT 'is a member of ' || string_agg(quote_ident(m.rolname), ', ') FROM pg_roles m
                          WHERE (m.rolsuper OR m.rolbypassrls OR m.rolcreaterole OR m.rolreplication
                                 OR m.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
                            AND pg_has_role(r.oid, m.oid, 'MEMBER')) END AS power,
               (SELECT string_agg(c.relname, ', ') FROM pg_class c
                WHERE c.relnamespace = $3::regnamespace AND pg_has_role(r.oid, c.relowner, 'MEMBER')
                  AND (c.relname = ANY ($2) OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass($3 || '.usage_logs')))) AS owned,
               (SELECT pg_has_role(r.oid, g.oid, 'USAGE') FROM pg_roles g WHERE g.rolname = $1) AS has_role,
               (SELECT string_agg(DISTINCT quote_ident(o.rolname), ', ') FROM pg_roles o JOIN pg_policy p ON o.oid = ANY (p.polroles)
                WHERE o.rolname <> $1 AND pg_has_role(r.oid, o.oid, 'MEMBER')) AS other_roles
        FROM pg_roles r WHERE r.rolname = session_user
        """;

    /// <summary>
    /// Which tables show everybody what is in them, and which not even their owner: those that have changed hands, as a restored copy's
    /// may. Their triggers could write nothing.
    /// </summary>
    private const string TableQuestion = """
        SELECT string_agg(c.relname, ', ') FILTER (WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)) AS unprotected,
               string_agg(c.relname, ', ') FILTER (WHERE NOT o.rolsuper AND NOT o.rolbypassrls AND NOT EXISTS (
                   SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND o.oid = ANY (p.polroles))) AS shut,
               string_agg(c.relname, ', ') FILTER (WHERE EXISTS (
                   SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND 0 = ANY (p.polroles))) AS open_to_all
        FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
        WHERE c.relnamespace = $2::regnamespace AND c.relname = ANY ($1)
        """;

    /// <summary>Looks at every connection of the running site.</summary>
    /// <exception cref="StartupException">One cannot be used, or can do too much or too little; the message says which, and what to do.</exception>
    internal static async Task CheckAsync(Databases databases, CancellationToken cancellation)
    {
        if (databases.Runtime.Count == 0)
            return;
        await Task.WhenAll(databases.Runtime.Select(connection => CheckRoleAsync(connection, databases.Logins, cancellation)));
        await CheckTablesAsync(databases.Admin, cancellation);
    }

    private static async Task CheckTablesAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(TableQuestion);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = UsageDatabase.Tables });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DatabaseSchema.Of(source.ConnectionString) });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        if (reader["unprotected"] is string unprotected)
            throw new StartupException($"Row-level security is off, or not forced, on {unprotected}. As the owner, for each: SELECT usage_protect('…');");
        if (reader["open_to_all"] is string open)
            throw new StartupException($"A policy on {open} is for PUBLIC, and so for members too. As the owner: DROP POLICY … ON each of them, and make it anew TO the roles that need it.");
        if (reader["shut"] is string shut)
            throw new StartupException($"Row-level security keeps {shut} from its own owner. As the owner, for each: SELECT usage_protect('…');");
    }

    private static async Task CheckRoleAsync(RuntimeConnection runtime, RuntimeLogins? logins, CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(runtime, logins, cancellation);
        await using var command = new NpgsqlCommand(RoleQuestion, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = runtime.Role });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = UsageDatabase.Tables });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DatabaseSchema.Of(runtime.Source.ConnectionString) });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var who = $"{runtime.Key} signs in as {reader.GetString(0)}";
        if (Text("power") is { } power)
            throw new StartupException($"{who}, which {power}: row-level security would not hold. {RuntimeConnection.HowToMakeLogins}");
        if (Text("owned") is { } owned)
            throw new StartupException($"{who}, which is or can become the owner of {owned}: row-level security would not hold. {RuntimeConnection.HowToMakeLogins}");
        if (!(reader["has_role"] is true))
            throw new StartupException($"{who}, which lacks the role {runtime.Role}, or does not inherit it: GRANT {runtime.Role} TO {reader.GetString(0)}.");
        if (runtime.Name is "Member" or "Ingest" && Text("other_roles") is { } others)
        {
            var whoCould = runtime.Name == "Member" ? "a member would see more than their own rows" : "whoever has an API key could come to more than the ingest API";
            throw new StartupException($"{who}, which is a member of {others} too: {whoCould}. REVOKE {others} FROM {reader.GetString(0)}.");
        }

        string? Text(string column) => reader[column] as string;
    }

    private static async Task<NpgsqlConnection> OpenAsync(RuntimeConnection runtime, RuntimeLogins? logins, CancellationToken cancellation)
    {
        try
        {
            return await OpenOwnAsync(runtime, logins, cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            throw new StartupException(
                runtime.OwnLogin is null
                    ? $"{runtime.Key} cannot be used: {e.Message}"
                    : $"The site's own login {runtime.OwnLogin} cannot be used: {e.Message} Let it in (pg_hba.conf, a pooler's list of users). Or: {RuntimeConnection.HowToMakeLogins}",
                e);
        }
    }

    private static async Task<NpgsqlConnection> OpenOwnAsync(RuntimeConnection runtime, RuntimeLogins? logins, CancellationToken cancellation)
    {
        try
        {
            return await runtime.Source.OpenConnectionAsync(cancellation);
        }
        catch (PostgresException e) when (runtime.OwnLogin is not null && e.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            await logins!.RenewAsync(runtime.OwnLogin, cancellation);
            return await runtime.Source.OpenConnectionAsync(cancellation);
        }
    }
}
