using UsageLogsSite.Data;

namespace UsageLogsSite.Alerts;

/// <summary>
/// What a rule asks PostgreSQL: for whom it is true now, and with which value. Parameters: <c>$1</c> the time, <c>$2</c> the threshold,
/// <c>$3</c> the rule's user and <c>$4</c> its type of users, each of which may be null.
/// </summary>
internal static class AlertCondition
{
    /// <summary>Of fewer responses no share is told: one failure of one would be all of them.</summary>
    internal const int FewestResponses = 10;

    /// <summary>Where a rule adds up, an hour passes and it may be false without any change.</summary>
    internal static bool EndsByTime(AlertKind kind) => kind is AlertKind.CostPerHour or AlertKind.Failures or AlertKind.FailureShare;

    /// <summary>A rule about each of many users begins with those who come to it: whoever is there already is no news.</summary>
    internal static bool IsAboutUsers(AlertKind kind) => !EndsByTime(kind);

    /// <summary>A query of two columns, <c>user_id</c> and <c>value</c>.</summary>
    internal static string Of(AlertRule rule) => (rule.Kind, rule.UserId) switch
    {
        (AlertKind.CostPerHour, null) => Reaching($"SELECT coalesce(sum(h.cost_usd), 0) AS value FROM usage_hours h, {Hour} WHERE h.day = c.day AND h.hour = c.hour AND {OfType("h")}"),
        (AlertKind.CostPerHour, _) => Reaching($"SELECT coalesce(sum(l.cost_usd), 0) AS value FROM usage_logs l, {Hour} WHERE l.user_id = $3 AND l.created_at >= c.hour AND l.created_at <= $1"),
        (AlertKind.Failures, _) => Reaching(Failed(rule)),
        (AlertKind.FailureShare, _) => Reaching($"""
            SELECT least(100, 100.0 * f.value / a.requests) AS value FROM ({Failed(rule)}) f, ({Requests(rule)}) a
            WHERE f.value > 0 AND a.requests >= {FewestResponses}
            """),
        (AlertKind.LowCredits, null) => $"SELECT t.user_id, {Balance} AS value FROM usage_totals t WHERE t.completed_payments > 0 AND {Balance} < $2 AND {OfType("t")}",
        (AlertKind.LowCredits, _) => $"SELECT t.user_id, {Balance} AS value FROM usage_totals t WHERE t.user_id = $3 AND {Balance} < $2",
        (AlertKind.FirstPayment, null) => $"SELECT t.user_id, t.revenue_usd AS value FROM usage_totals t WHERE t.completed_payments > 0 AND {OfType("t")}",
        _ => "SELECT t.user_id, t.revenue_usd AS value FROM usage_totals t WHERE t.completed_payments > 0 AND t.user_id = $3",
    };

    private const string Balance = "(t.credits_bought - t.credits_used)";

    private const string LastHour = "l.created_at > $1 - interval '1 hour' AND l.created_at <= $1";

    /// <summary>The hour of the reporting zone's clock, and its day: the key of what the rollup keeps.</summary>
    private const string Hour = """
        (SELECT date_trunc('hour', $1, s.time_zone) AS hour, (date_trunc('hour', $1, s.time_zone) AT TIME ZONE s.time_zone)::date AS day
         FROM rollup_state s WHERE s.time_zone IS NOT NULL) c
        """;

    private static string OfType(string table) => $"($4 IS NULL OR {table}.user_type = $4)";

    private static string Reaching(string sum) => $"SELECT $3 AS user_id, v.value FROM ({sum}) v WHERE v.value >= $2 AND v.value > 0";

    // A user's own are found by their index, everybody's by that of failed ones.
    private static string Failed(AlertRule rule) => rule switch
    {
        { UserId: not null } => $"SELECT count(*)::numeric AS value FROM usage_logs l WHERE l.user_id = $3 AND l.status = 'failed' AND {LastHour}",
        { UserType: not null } => $"SELECT count(*)::numeric AS value FROM usage_logs l JOIN users u ON u.id = l.user_id AND u.user_type = $4 WHERE l.status = 'failed' AND {LastHour}",
        _ => $"SELECT count(*)::numeric AS value FROM usage_logs l WHERE l.status = 'failed' AND {LastHour}",
    };

    /// <summary>
    /// All responses of the last 60 minutes. Of many users it is taken from two kept hours, as if the former one's had come evenly (a
    /// sliding window counter): counting them would cost an index that every response pays for.
    /// </summary>
    private static string Requests(AlertRule rule) => rule.UserId is not null
        ? $"SELECT count(*)::numeric AS requests FROM usage_logs l WHERE l.user_id = $3 AND {LastHour}"
        : $"""
            SELECT coalesce(sum(h.requests * CASE h.hour WHEN c.hour THEN 1 ELSE 1 - extract(epoch FROM $1 - c.hour) / 3600 END), 0) AS requests
            FROM usage_hours h, {Hour}
            WHERE h.day IN (c.day, c.day - 1) AND h.hour IN (c.hour, c.hour - interval '1 hour') AND {OfType("h")}
            """;
}
