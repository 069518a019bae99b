namespace UsageLogsSite.Attach;

/// <summary>What attaching makes in the site's schema, told from what others have there under such names: conditions in SQL.</summary>
internal static class Made
{
    /// <summary>The functions: <c>p</c>, of <c>pg_proc</c>.</summary>
    internal static string Function(string schema) => $"({NamedFunction(schema)} AND coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false))";

    /// <summary>The tables: <c>c</c>, of <c>pg_class</c>. Only they have these columns, in this order.</summary>
    internal static string Table(string schema) =>
        $"""
        ({NamedTable(schema)} AND c.relkind = 'r' AND
            (SELECT string_agg(a.attname::text, ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
            = CASE c.relname WHEN 'attachments' THEN 'target source map attached_at' ELSE 'key seq op user_id state error failed_at' END)
        """;

    /// <summary>Asks for the names that somebody else has taken: attaching would fail on them.</summary>
    internal static string Taken(string schema) =>
        $"""
        SELECT c.relname::text FROM pg_catalog.pg_class c WHERE {NamedTable(schema)} AND NOT {Table(schema)}
        UNION ALL
        SELECT p.proname::text FROM pg_catalog.pg_proc p WHERE {NamedFunction(schema)} AND NOT {Function(schema)}
        """;

    private static string NamedFunction(string schema) =>
        $"p.pronamespace = '{schema}'::regnamespace AND p.proname IN ({Listed(["attach_apply", "attach_noted", "attach_refuse", .. OfEach("changed", "put", "remove", "sweep", "try")])})";

    private static string NamedTable(string schema) =>
        $"c.relnamespace = '{schema}'::regnamespace AND c.relname IN ({Listed(["attachments", .. TableMap.Targets.Keys.Select(target => $"attach_{target}")])})";

    private static IEnumerable<string> OfEach(params string[] work) => TableMap.Targets.Keys.SelectMany(_ => work, (target, one) => $"attach_{target}_{one}");

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.Select(Scripts.Text));
}
