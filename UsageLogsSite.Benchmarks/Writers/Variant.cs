namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>A way to notice what writers write.</summary>
/// <param name="Name">Its name in tables and on the command line.</param>
/// <param name="Change">What makes it out of our schema.</param>
/// <param name="Churned">The tables that a turn leaves dead rows in.</param>
internal sealed record Variant(string Name, string Change, string Churned)
{
    internal const string Ours = "ours";

    private const string NoTriggers = """
        DO $$ DECLARE t record; BEGIN
            FOR t IN SELECT tgname, tgrelid::regclass AS place FROM pg_trigger WHERE NOT tgisinternal LOOP
                EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.place);
            END LOOP;
        END $$;
        """;

    private const string NotifyAtCommit = NoTriggers + """
        CREATE FUNCTION notify_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('usage_logs_changed', '');
            RETURN NULL;
        END $$;
        CREATE TRIGGER notify_at_commit AFTER INSERT ON usage_logs FOR EACH STATEMENT EXECUTE FUNCTION notify_at_commit();
        """;

    private const string UpsertTotals = NoTriggers + """
        INSERT INTO usage_totals (user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments)
            SELECT id, user_type, 0, 0, 0, 0, 0, 0, 0 FROM users;
        CREATE FUNCTION upsert_totals() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO usage_totals AS t (user_id, user_type, requests, tokens, credits_used, credits_bought, cost_usd, revenue_usd, completed_payments, last_activity)
            SELECT n.user_id, 'external', count(*), sum(n.prompt_tokens::bigint + n.completion_tokens), sum(n.credits), 0, sum(n.cost_usd), 0, 0, max(n.created_at)
            FROM new_rows n GROUP BY n.user_id ORDER BY n.user_id
            ON CONFLICT (user_id) DO UPDATE SET requests = t.requests + excluded.requests, tokens = t.tokens + excluded.tokens,
                credits_used = t.credits_used + excluded.credits_used, cost_usd = t.cost_usd + excluded.cost_usd,
                last_activity = greatest(t.last_activity, excluded.last_activity);
            RETURN NULL;
        END $$;
        CREATE TRIGGER upsert_totals AFTER INSERT ON usage_logs
            REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION upsert_totals();
        """;

    /// <summary>In the order of a round.</summary>
    internal static readonly IReadOnlyList<Variant> All =
    [
        new("bare", NoTriggers, ""),
        new(Ours, "", "usage_deltas, usage_totals, usage_activity"),
        new("notify", NotifyAtCommit, ""),
        new("upsert", UpsertTotals, "usage_totals"),
    ];
}
