using System.Text;

namespace UsageLogsSite.Attach;

/// <summary>Writes the SQL that makes our tables copies of the product's.</summary>
/// <param name="schema">The schema of the site's tables.</param>
/// <param name="tables">Our tables and where their rows come from, users first.</param>
internal sealed class AttachScript(string schema, IReadOnlyList<AttachedTable> tables)
{
    /// <summary>Those whose rows belong to users: taken before these, so that the users are there.</summary>
    private IEnumerable<AttachedTable> OfUsers => tables.Where(table => table.Target != "users");

    /// <summary>Takes everything away that attaching has made; works also where nothing is attached.</summary>
    internal static string Detach(string schema) => Scripts.Fill(Scripts.Read("detach"), new() { ["functions"] = Made.Function(schema), ["tables"] = Made.Table(schema) });

    /// <summary>
    /// Makes queues, functions and triggers, in place of earlier ones. To be run in one transaction that waits for locks for less than a second
    /// (<see cref="Retention.BriefLock"/>): it needs one table after the other, and so do writers.
    /// </summary>
    internal string Attach()
    {
        var sql = new StringBuilder();
        sql.AppendLine(Detach(schema));
        sql.AppendLine(Scripts.Fill(Scripts.Read("begin"), new() { ["schema"] = schema }));
        var script = Scripts.Read("table");
        foreach (var table in tables)
            sql.AppendLine(table.Fill(script, schema));
        sql.Append(Apply());
        return sql.ToString();
    }

    /// <summary>
    /// Notes the keys of all rows that are there already, and asks for those to be removed that are not there: run after the triggers are there.
    /// A user whose rows are there yet would stay: users are to be swept once more, when all else is.
    /// </summary>
    internal string Backfill(AttachedTable table) =>
        $"INSERT INTO {schema}.attach_{table.Target} (key, op) SELECT NULL::{table.Source.KeyType}, 'T' UNION ALL SELECT s.{table.Source.Key}, 'C' FROM {table.Source.Name} AS s;";

    /// <summary>Asks for the copies of rows to be removed that are not there.</summary>
    internal static string Sweep(string schema, string target) => $"INSERT INTO {schema}.attach_{target} (op) VALUES ('T')";

    private string Apply()
    {
        var takes = Scripts.Read("take");
        var all = OfUsers.Concat(tables.Where(table => table.Target == "users")).ToList();
        return Scripts.Fill(Scripts.Read("apply"), new()
        {
            ["schema"] = schema,
            ["functions"] = Made.Function(schema),
            ["declarations"] = Each(all, table => $"    {table.Target}_new {table.Source.KeyType}[];\n    {table.Target}_changed {table.Source.KeyType}[];\n    {table.Target}_swept boolean;\n    {table.Target}_unknown boolean;\n    {table.Target}_count bigint;\n"),
            ["pending"] = string.Join(" OR ", tables.Select(table => $"EXISTS (SELECT FROM {schema}.attach_{table.Target} q WHERE q.error IS NULL)")),
            ["checks"] = Each(tables, table =>
                $"""
                    IF row_security_active({Scripts.Text(table.Source.Name)}::regclass) THEN
                        RAISE 'Row-level security may hide rows of %: nothing is copied.', {Scripts.Text(table.Source.Name)};
                    END IF;

                """),

            // Few users have changed when logs have; all of them, so that none is missing.
            ["takes"] = Each(all, table => Scripts.Fill(takes, new()
            {
                ["schema"] = schema,
                ["target"] = table.Target,
                ["key_text"] = Scripts.Text(table.Source.Key),
                ["source_text"] = Scripts.Text(table.Source.Name),
                ["limit"] = table.Target == "users" ? "CASE WHEN taken = 0 THEN most END" : "most",
            })),
            ["mirrors"] = Each(OfUsers, table =>
                $"""
                    failed := failed + {schema}.attach_{table.Target}_try('put', {table.Target}_new)
                            + {schema}.attach_{table.Target}_try('put', {table.Target}_changed) + {schema}.attach_{table.Target}_try('remove', {table.Target}_changed);
                    IF {table.Target}_swept THEN
                        failed := failed + {schema}.attach_{table.Target}_try('sweep', NULL);
                    END IF;

                """),
            ["waiting"] = string.Join(" + ", tables.Select(table => $"(SELECT count(*) FROM (SELECT FROM {schema}.attach_{table.Target} q WHERE q.error IS NULL LIMIT 1000000) n)")),
            ["kept"] = string.Join(" + ", tables.Select(table => $"(SELECT count(*) FROM (SELECT FROM {schema}.attach_{table.Target} q WHERE q.error IS NOT NULL LIMIT 10000) n)")),
            ["drained"] = string.Join(" AND ", OfUsers.Select(table => $"{table.Target}_count < most")),
            ["retries"] = Each(OfUsers, table =>
                $"""
                    UPDATE {schema}.attach_{table.Target} q SET error = NULL
                    WHERE q.error IS NOT NULL AND q.state = '23503' AND EXISTS (SELECT FROM {schema}.users u WHERE u.id = q.user_id);

                """),
        });
    }

    private static string Each(IEnumerable<AttachedTable> of, Func<AttachedTable, string> line) => string.Concat(of.Select(line));
}
