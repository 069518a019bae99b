using Npgsql;

namespace UsageLogsSite.Attach;

/// <summary>A table of the product's, as the catalog describes it.</summary>
/// <param name="Name">Its name with its schema, quoted for SQL.</param>
/// <param name="Key">The name of its unique column, quoted for SQL.</param>
/// <param name="KeyType">That column's type.</param>
internal sealed record SourceTable(string Name, string Key, string KeyType)
{
    private const string Question = """
        SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname, c.relkind::text, row_security_active(c.oid) AS is_secured, current_user::text AS me,
               has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'TRIGGER') AND has_schema_privilege(n.oid, 'USAGE') AS is_allowed,
               quote_ident(a.attname) AS key, format_type(a.atttypid, a.atttypmod) AS key_type,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                       AND i.indkey[0] = a.attnum AND (i.indnkeyatts = 1 OR c.relkind = 'p')) AS is_unique
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_index p ON p.indrelid = c.oid AND p.indisprimary AND p.indnkeyatts = 1
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attnum > 0
             AND CASE WHEN $2::text IS NULL THEN a.attnum = p.indkey[0] ELSE a.attname = $2 END
        WHERE c.oid = to_regclass($1)
        """;

    /// <summary>Looks a table up, and whether it can be attached.</summary>
    /// <exception cref="AttachException">It cannot; the message says why.</exception>
    internal static async Task<SourceTable> FindAsync(NpgsqlConnection connection, TableMap map, string schema, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Question, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = map.From });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)map.Key ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            throw new AttachException($"There is no table {map.From}. Write it as SQL does, with its schema, as in public.usage_logs.");
        var (name, me) = (reader.GetString(0), reader.GetString(4));
        if (reader.GetString(1) == schema)
            throw new AttachException($"{name} is in the site's own schema {schema}. Give ConnectionStrings:UsageLogs a schema of its own, as in Search Path=usage.");
        if (reader.GetString(2) is not ("r" or "p"))
            throw new AttachException($"{name} is not a table: triggers that see a statement's rows need one.");
        if (!reader.GetBoolean(5))
            throw new AttachException($"{me} may not attach {name}: GRANT SELECT, TRIGGER ON {name} TO {me}, and USAGE on its schema.");
        if (reader.GetBoolean(3))
            throw new AttachException($"Row-level security may hide rows of {name} from {me}, who would take them for deleted. Use the owner of {name}, or ALTER ROLE {me} BYPASSRLS.");
        if (await reader.IsDBNullAsync(6, cancellation))
            throw new AttachException($"{name} has no {(map.Key is null ? "primary key of one column: name a unique one as \"key\" in the map" : $"column {map.Key}")}.");
        if (!reader.GetBoolean(8))
            throw new AttachException($"{name} has no unique index on {reader.GetString(6)} alone.");
        return new(name, reader.GetString(6), reader.GetString(7));
    }
}
