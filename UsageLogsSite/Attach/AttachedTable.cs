using Npgsql;

namespace UsageLogsSite.Attach;

/// <summary>One of our tables, the product's table that it is a copy of, and how.</summary>
/// <param name="Target">The name of our table.</param>
/// <param name="Map">How rows become ours.</param>
/// <param name="Source">The product's table.</param>
internal sealed record AttachedTable(string Target, TableMap Map, SourceTable Source)
{
    /// <summary>Which rows are copied: an SQL condition.</summary>
    internal string Where => string.IsNullOrWhiteSpace(Map.Where) ? "true" : Map.Where;

    /// <summary>Our columns that are copied.</summary>
    internal string Columns => string.Join(", ", Map.Columns.Keys);

    /// <summary>What is unique in our table: logs are partitioned by time.</summary>
    internal IReadOnlyList<string> Identity => Target == "usage_logs" ? ["id", "created_at"] : ["id"];

    /// <summary>
    /// The expression for one of our columns over a row <c>s</c>. The one for the id sees the key as it is noted, so that it means the same of a
    /// row and of a note, and still does when the key's type is widened.
    /// </summary>
    internal string Expression(string column) =>
        column == "id" ? IdOf($"s.{Source.Key}::{Source.KeyType}") : $"({Map.Columns[column]})";

    private string IdOf(string key) => $"(SELECT {Map.Columns["id"]} FROM (SELECT {key} AS {Source.Key}) AS s)";

    /// <summary>Fills a script's places for this table.</summary>
    internal string Fill(string script, string schema)
    {
        var kept = Map.Columns.Keys.Except(Identity).ToList();
        return Scripts.Fill(script, new()
        {
            ["schema"] = schema,
            ["target"] = Target,
            ["source"] = Source.Name,
            ["source_text"] = Scripts.Text(Source.Name),
            ["key"] = Source.Key,
            ["key_type"] = Source.KeyType,
            ["key_types"] = Source.KeyTypes,
            ["map"] = Scripts.Text(Map.ToJson()),
            ["where"] = Where,
            ["id"] = $"({Map.Columns["id"]})",
            ["columns"] = Columns,
            ["expressions"] = string.Join(", ", Map.Columns.Keys.Select(Expression)),
            ["conflict"] = string.Join(", ", Identity),
            ["identity"] = string.Join(", ", Identity.Select(column => $"{Expression(column)} AS {column}")),
            ["same"] = string.Join(" AND ", Identity.Select(column => $"there.{column} = m.{column}")),
            ["assignments"] = string.Join(", ", kept.Select(column => $"{column} = excluded.{column}")),
            ["kept"] = string.Join(", ", kept.Select(column => $"m.{column}")),
            ["given"] = string.Join(", ", kept.Select(column => $"excluded.{column}")),
            ["before_put"] = Target == "users" ? Scripts.Fill(FreeAddresses, new() { ["schema"] = schema, ["source"] = Source.Name, ["key"] = Source.Key, ["id"] = Expression("id"), ["email"] = Map.Columns["email"], ["where"] = Where }) : "",
            ["unused"] = Target == "users" ? Scripts.Fill(Unused, new() { ["schema"] = schema }) : "",
            ["awaited"] = Target == "users"
                ? IdOf("attach_key")
                : $"(SELECT {Map.Columns["user_id"]} FROM {Source.Name} AS s WHERE s.{Source.Key} = attach_key LIMIT 1)",
            ["row_faults"] = "data_exception OR integrity_constraint_violation OR syntax_error_or_access_rule_violation OR cardinality_violation "
                + "OR plpgsql_error OR case_not_found OR feature_not_supported OR program_limit_exceeded",
        });
    }

    /// <summary>Lets PostgreSQL look whether the expressions make sense, without reading a row.</summary>
    /// <exception cref="AttachException">They do not; the message is PostgreSQL's.</exception>
    internal async Task CheckAsync(NpgsqlConnection connection, string schema, CancellationToken cancellation)
    {
        var id = Map.Columns["id"];
        await AskAsync($"SELECT {id} FROM (SELECT NULL::{Source.KeyType} AS {Source.Key} LIMIT 0) AS s", $"the column id, which may use {Source.Key} only");
        foreach (var column in Map.Columns.Keys)
        {
            // As an insert takes it: text does not become a number by itself.
            await AskAsync($"EXPLAIN INSERT INTO {schema}.{Target} ({column}) SELECT {Expression(column)} FROM {Source.Name} AS s WHERE {Where}", $"the column {column}");
        }

        await CheckMomentAsync(connection, cancellation);

        async Task AskAsync(string sql, string what)
        {
            try
            {
                await using var command = new NpgsqlCommand($"SET LOCAL search_path = pg_catalog, pg_temp; {sql}", connection);
                await command.ExecuteNonQueryAsync(cancellation);
            }
            catch (PostgresException e)
            {
                throw new AttachException($"The map of {Target} does not work for {what}: {e.MessageText}. Functions of your own need their schema's name.", e);
            }
        }
    }

    /// <summary>Without a zone, a time is another moment in each session that reads it.</summary>
    private async Task CheckMomentAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        if (!Map.Columns.TryGetValue("created_at", out var moment))
            return;
        await using var command = new NpgsqlCommand($"SELECT pg_typeof((SELECT {moment} FROM {Source.Name} AS s LIMIT 0))::text", connection);
        if (await command.ExecuteScalarAsync(cancellation) is string type and not "timestamp with time zone")
            throw new AttachException($"The map of {Target} gives created_at a {type}, which says no moment by itself: write ({moment}) AT TIME ZONE 'UTC', or the zone that it is meant in.");
    }

    /// <summary>Addresses are unique: of two users who exchange theirs, neither could come first.</summary>
    private const string FreeAddresses = """
            UPDATE {schema}.users m SET email = m.id::text
            FROM (SELECT {id} AS id, ({email}) AS email FROM {source} AS s WHERE s.{key} = ANY (attach_keys) AND ({where})) n
            WHERE n.id = m.id AND lower(m.email) <> lower(n.email);

        """;

    private const string Unused = """

                  AND NOT EXISTS (SELECT FROM {schema}.usage_logs l WHERE l.user_id = m.id)
                  AND NOT EXISTS (SELECT FROM {schema}.credit_purchases p WHERE p.user_id = m.id)
        """;
}
