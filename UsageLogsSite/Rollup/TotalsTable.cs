namespace UsageLogsSite.Rollup;

/// <summary>
/// A table of totals, and how its rows follow from the raw tables. The rebuild and the comparison are made from this, so a further
/// table of totals is a further entry of <see cref="All"/>.
/// </summary>
/// <param name="Name">The table's name.</param>
/// <param name="Key">The columns that name a row.</param>
/// <param name="Sums">The columns that deltas add up; numbers, zero where there is nothing.</param>
/// <param name="Looked">The columns that the fold looks up anew for each key it has a delta of.</param>
/// <param name="Raw">A query of all these columns, one row per key, from the raw tables or from other totals.</param>
/// <param name="Pending">
/// A query of key and sums, one row per key, from the deltas that are not folded yet; null if they change nothing of what
/// <paramref name="Raw"/> reads.
/// </param>
internal sealed record TotalsTable(string Name, string[] Key, string[] Sums, string[] Looked, string Raw, string? Pending)
{
    /// <summary>What the raw queries read, in the order in which they are locked.</summary>
    internal const string RawTables = "users, usage_logs, usage_archive, credit_purchases";

    /// <summary>All raw usage: logs, and what retention has left of those it dropped. A quarter of an hour stands for its logs' times.</summary>
    internal const string AllUsage = """
        SELECT user_id, created_at AS occurred_at, 1::bigint AS requests, prompt_tokens::bigint + completion_tokens AS tokens, credits, cost_usd,
               created_at AS last_activity
        FROM usage_logs
        UNION ALL
        SELECT user_id, quarter, requests, tokens, credits, cost_usd, last_activity FROM usage_archive
        """;

    /// <summary>
    /// When the user of a statement's column <c>s.user_id</c> was last active; null if never. Three probes of an index where there are
    /// logs of the last month, as nearly always; otherwise one for each partition.
    /// </summary>
    internal const string LastActivity = """
        greatest(
            coalesce((SELECT max(l.created_at) FROM usage_logs l WHERE l.user_id = s.user_id AND l.created_at >= now() - interval '30 days'),
                     (SELECT max(l.created_at) FROM usage_logs l WHERE l.user_id = s.user_id)),
            (SELECT a.last_activity FROM usage_archive a WHERE a.user_id = s.user_id ORDER BY a.quarter DESC LIMIT 1))
        """;

    /// <summary>All that counts, usage and completed purchases, with the columns of a delta.</summary>
    internal const string RawChanges = $"""
        SELECT user_id, occurred_at, requests, tokens, credits AS credits_used, 0 AS credits_bought, cost_usd, 0 AS revenue_usd, 0 AS completed_payments
        FROM ({AllUsage}) l
        UNION ALL
        SELECT user_id, created_at, 0, 0, 0, credits, 0, amount_usd, 1 FROM credit_purchases WHERE status = 'completed'
        """;

    /// <summary>What is not folded yet, taken off.</summary>
    private const string LessPending = """
        SELECT user_id, occurred_at, -requests, -tokens, -credits_used, -credits_bought, -cost_usd, -revenue_usd, -completed_payments
        FROM usage_deltas WHERE occurred_at IS NOT NULL
        """;

    /// <summary>The sums of a user.</summary>
    internal static readonly string[] UserSums = ["requests", "tokens", "credits_used", "credits_bought", "cost_usd", "revenue_usd", "completed_payments"];

    /// <summary>The sums of an hour.</summary>
    internal static readonly string[] HourSums = ["requests", "tokens", "cost_usd", "revenue_usd", "completed_payments"];

    /// <summary>Every table of totals.</summary>
    internal static readonly IReadOnlyList<TotalsTable> All =
    [
        new(
            "usage_totals",
            Key: ["user_id"],
            Sums: UserSums,
            Looked: ["user_type", "last_activity"],
            Raw: $"""
                SELECT u.id AS user_id, u.user_type, coalesce(l.requests, 0) AS requests, coalesce(l.tokens, 0) AS tokens,
                       coalesce(l.credits, 0) AS credits_used, coalesce(p.credits, 0) AS credits_bought, coalesce(l.cost_usd, 0) AS cost_usd,
                       coalesce(p.amount_usd, 0) AS revenue_usd, coalesce(p.payments, 0) AS completed_payments,
                       coalesce(l.last_activity, '-infinity') AS last_activity
                FROM users u
                LEFT JOIN (SELECT user_id, sum(requests) AS requests, sum(tokens) AS tokens, sum(credits) AS credits,
                                  sum(cost_usd) AS cost_usd, max(last_activity) AS last_activity
                           FROM ({AllUsage}) a GROUP BY user_id) l ON l.user_id = u.id
                LEFT JOIN (SELECT user_id, count(*) AS payments, sum(credits) AS credits, sum(amount_usd) AS amount_usd
                           FROM credit_purchases WHERE status = 'completed' GROUP BY user_id) p ON p.user_id = u.id
                """,
            Pending: $"SELECT user_id, {Sum(UserSums)} FROM usage_deltas c WHERE user_id IS NOT NULL GROUP BY user_id"),
        new(
            "usage_activity",
            Key: ["user_type", "hour"],
            Sums: ["users", "requests", "tokens", "cost_usd", "revenue_usd"],
            Looked: [],
            Raw: ActivityOf("usage_totals"),
            Pending: null) { Rebuilt = ActivityOf("raw_usage_totals") },
        new("usage_days", Key: ["day", "user_id"], Sums: UserSums, Looked: [], Raw: DaysOf(RawChanges), Pending: DaysOf("SELECT * FROM usage_deltas WHERE occurred_at IS NOT NULL")),

        // Kept by the type that is folded, so what the raw tables say is compared by that one too.
        new("usage_hours", Key: ["day", "hour", "user_type"], Sums: HourSums, Looked: [], Raw: HoursOf($"{RawChanges} UNION ALL {LessPending}", "usage_totals"), Pending: null)
        {
            Rebuilt = HoursOf(RawChanges, "raw_usage_totals"),
        },
    ];

    /// <summary>All totals anew from the raw tables, and the deltas that they already contain away: one statement, one snapshot.</summary>
    internal static string RebuildAll { get; } = $"""
        WITH known AS (DELETE FROM usage_deltas RETURNING 1)
        {string.Concat(All.Select(table => table.Rebuild))}
        SELECT count(*), pg_notify('usage_changed', 'internal,external') FROM known
        """;

    /// <summary>What <see cref="Raw"/> is while all tables are made anew: totals of other totals are made from the new ones.</summary>
    private string Rebuilt { get; init; } = Raw;

    private IEnumerable<string> Values => [.. Sums, .. Looked];

    /// <summary>
    /// Writes only the rows that differ: the others stay as they are, and so do their pages. In the order of the key: what is read
    /// together, such as the days of a period, lies together.
    /// </summary>
    private string Rebuild => $"""
        , raw_{Name} AS ({Rebuilt}), rebuilt_{Name} AS (
            INSERT INTO {Name} AS t ({List([.. Key, .. Values])})
            SELECT {List([.. Key, .. Values])} FROM raw_{Name} ORDER BY {List(Key)}
            ON CONFLICT ({List(Key)}) DO UPDATE SET {List(Values.Select(c => $"{c} = excluded.{c}"))}
            WHERE ({List(Values.Select(c => $"t.{c}"))}) IS DISTINCT FROM ({List(Values.Select(c => $"excluded.{c}"))})
        ), dropped_{Name} AS (
            DELETE FROM {Name} t WHERE NOT EXISTS (SELECT FROM raw_{Name} r WHERE {Same("r", "t")})
        )
        """;

    /// <summary>
    /// Every difference between kept and raw totals: key, column, expected, found. Kept totals lag behind the raw tables by the
    /// deltas that are not folded yet; what the fold looks up, and whether there is a row at all, is settled only where none is left.
    /// </summary>
    internal string Differences => $"""
        WITH raw AS ({Raw}), pending AS ({Pending ?? $"SELECT * FROM {Name} WHERE false"}), compared AS (
            SELECT {List(Key.Select(c => $"coalesce(r.{c}, t.{c}) AS {c}"))}, p.{Key[0]} IS NULL AS settled,
                   r.{Key[0]} IS NOT NULL AS is_raw, t.{Key[0]} IS NOT NULL AS is_kept,
                   {List([
                       .. Sums.Select(c => $"coalesce(r.{c}, 0) - coalesce(p.{c}, 0) AS raw_{c}, coalesce(t.{c}, 0) AS kept_{c}"),
                       .. Looked.Select(c => $"r.{c} AS raw_{c}, t.{c} AS kept_{c}")])}
            FROM raw r
            FULL JOIN {Name} t ON {Same("r", "t")}
            LEFT JOIN pending p ON {List(Key.Select(c => $"p.{c} = coalesce(r.{c}, t.{c})"), " AND ")}
        )
        SELECT concat_ws(' ', {List(Key)}), d.name, d.expected, d.found
        FROM compared c
        CROSS JOIN LATERAL (VALUES
            {List([
                "('row', CASE WHEN is_raw THEN 'there' ELSE 'none' END, CASE WHEN is_kept THEN 'there' ELSE 'none' END, settled)",
                .. Sums.Select(c => $"('{c}', trim_scale(raw_{c}::numeric)::text, trim_scale(kept_{c}::numeric)::text, true)"),
                .. Looked.Select(c => $"('{c}', raw_{c}::text, kept_{c}::text, settled AND is_raw AND is_kept)")])}
        ) d (name, expected, found, counts)
        WHERE ((settled AND is_raw <> is_kept)
            OR {Differ(Sums)}
            OR (settled AND is_raw AND is_kept AND ({Differ(Looked)})))
          AND d.counts AND d.expected IS DISTINCT FROM d.found
        """;

    private static string ActivityOf(string totals) => $"""
        SELECT t.user_type, coalesce(h.hour, 'infinity') AS hour, count(*) AS users, sum(t.requests) AS requests, sum(t.tokens) AS tokens,
               sum(t.cost_usd) AS cost_usd, sum(t.revenue_usd) AS revenue_usd
        FROM {totals} t, LATERAL (SELECT date_trunc('hour', t.last_activity, 'UTC') AS hour) h
        GROUP BY t.user_type, ROLLUP (h.hour)
        """;

    private static string DaysOf(string changes) => $"""
        SELECT (c.occurred_at AT TIME ZONE z.time_zone)::date AS day, c.user_id, {Sum(UserSums)}
        FROM ({changes}) c, rollup_state z WHERE z.time_zone IS NOT NULL GROUP BY 1, 2
        """;

    private static string HoursOf(string changes, string users) => $"""
        SELECT (c.occurred_at AT TIME ZONE z.time_zone)::date AS day, date_trunc('hour', c.occurred_at, z.time_zone) AS hour, t.user_type, {Sum(HourSums)}
        FROM ({changes}) c JOIN {users} t ON t.user_id = c.user_id, rollup_state z WHERE z.time_zone IS NOT NULL
        GROUP BY 1, 2, 3 HAVING ({List(HourSums.Select(c => $"sum(c.{c})"))}) <> ({List(HourSums.Select(_ => "0"))})
        """;

    private static string Sum(string[] columns) => List(columns.Select(c => $"sum(c.{c}) AS {c}"));

    private static string Differ(string[] columns) => columns.Length == 0
        ? "false" : $"({List(columns.Select(c => $"raw_{c}"))}) IS DISTINCT FROM ({List(columns.Select(c => $"kept_{c}"))})";

    private static string List(IEnumerable<string> columns, string separator = ", ") => string.Join(separator, columns);

    private string Same(string left, string right) => List(Key.Select(c => $"{left}.{c} = {right}.{c}"), " AND ");
}
