using Npgsql;

namespace UsageLogsSite.Attach;

/// <summary>A table of the product's, as the catalog describes it.</summary>
/// <param name="Name">Its name with its schema, quoted for SQL.</param>
/// <param name="Key">The name of its unique column, quoted for SQL.</param>
/// <param name="KeyType">The type that its values are noted as, which holds those of wider types too.</param>
/// <param name="KeyTypes">The types that become that one by themselves, as <c>pg_typeof</c> writes them: a list of SQL literals.</param>
internal sealed record SourceTable(string Name, string Key, string KeyType, string KeyTypes)
{
    private const string Question = """
        SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname, c.relkind::text, row_security_active(c.oid) AS is_secured, current_user::text AS me,
               has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'TRIGGER') AND has_schema_privilege(n.oid, 'USAGE') AS is_allowed,
               quote_ident(a.attname) AS key,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                       AND i.indkey[0] = a.attnum AND (i.indnkeyatts = 1 OR c.relkind = 'p')) AS is_unique,
               k.type, k.types, format_type(a.atttypid, a.atttypmod) AS declared
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_index p ON p.indrelid = c.oid AND p.indisprimary AND p.indnkeyatts = 1
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attnum > 0
             AND CASE WHEN $2::text IS NULL THEN a.attnum = p.indkey[0] ELSE a.attname = $2 END
        LEFT JOIN LATERAL (
            WITH RECURSIVE bases AS (
                SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
                UNION ALL
                SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype FROM bases b JOIN pg_type t ON t.oid = b.typbasetype
            )
            SELECT 'pg_catalog.' || coalesce(w.wide, quote_ident(b.typname)) AS type,
                   (SELECT string_agg(quote_literal(n.name), ', ')
                    FROM (SELECT format('%s.%I', d.typnamespace::regnamespace, d.typname) FROM bases d WHERE d.typtype = 'd'
                          UNION SELECT format_type(b.oid, NULL) UNION SELECT unnest(w.names)) n (name)) AS types
            FROM bases b
            LEFT JOIN (VALUES ('int8', ARRAY['int2', 'int4', 'int8'], ARRAY['smallint', 'integer', 'bigint']),
                              ('text', ARRAY['text', 'varchar'], ARRAY['text', 'character varying'])) w (wide, types, names) ON b.typname = ANY (w.types)
            WHERE b.typtype <> 'd' AND b.typnamespace = 'pg_catalog'::regnamespace
        ) k ON true
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
        if (!reader.GetBoolean(7))
            throw new AttachException($"{name} has no unique index on {reader.GetString(6)} alone.");
        if (await reader.IsDBNullAsync(8, cancellation))
            throw new AttachException($"{name} has the key {reader.GetString(6)} of type {reader.GetString(10)}, which PostgreSQL does not have by itself: name another unique column as \"key\" in the map.");
        return new(name, reader.GetString(6), reader.GetString(8), reader.GetString(9));
    }
}
