namespace UsageLogsSite.Rollup;

/// <summary>
/// A table whose rows are sums that the fold changes: the part of its statement that adds to rows, makes those that are missing, and
/// removes those that become empty.
/// </summary>
/// <param name="Table">The table's name.</param>
/// <param name="Key">The columns that name a row.</param>
/// <param name="Sums">The columns that are added up.</param>
/// <param name="Counts">Those of them without which a row is nothing: it goes when all are zero.</param>
internal sealed record KeptSums(string Table, string[] Key, string[] Sums, string[] Counts)
{
    /// <summary>
    /// Common table expressions that apply <paramref name="changes"/>, which has one row per key. Each row is looked up once, and then
    /// changed by its place: nobody but the fold writes these tables. What becomes empty is known beforehand, as one statement cannot
    /// both change a row and delete it. The LIMIT leaves the planner no other way than one look per row, however little it knows of
    /// the sizes: any other join could come to read a whole table, or one list for each entry of another.
    /// </summary>
    /// <param name="changes">The expression with the changes.</param>
    internal string Apply(string changes) => $"""
        {Table}_moves AS MATERIALIZED (
            SELECT c.*, k.place, {List(Counts.Select(s => $"coalesce(k.{s}, 0) + c.{s} = 0"), " AND ")} AS is_empty
            FROM {changes} c
            LEFT JOIN LATERAL (SELECT t.ctid AS place, {List(Counts)} FROM {Table} t WHERE {List(Key.Select(k => $"t.{k} = c.{k}"), " AND ")} LIMIT 1) k ON true
        ), {Table}_emptied AS (
            DELETE FROM {Table} WHERE ctid = ANY (ARRAY(SELECT place FROM {Table}_moves WHERE is_empty AND place IS NOT NULL))
        ), {Table}_changed AS (
            UPDATE {Table} t SET {List(Sums.Select(s => $"{s} = t.{s} + m.{s}"))} FROM {Table}_moves m WHERE t.ctid = m.place AND NOT m.is_empty
        ), {Table}_added AS (
            INSERT INTO {Table} ({List([.. Key, .. Sums])})
            SELECT {List([.. Key, .. Sums])} FROM {Table}_moves WHERE place IS NULL AND NOT is_empty
        )
        """;

    private static string List(IEnumerable<string> columns, string separator = ", ") => string.Join(separator, columns);
}
