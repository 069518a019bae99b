using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;
using UsageLogsSite.Telemetry;

namespace UsageLogsSite.Alerts;

/// <summary>
/// Checks all rules after a change of totals, on the elected instance. While nothing changes it asks nothing, but where something that
/// ends by time fires: that is looked at once a minute. An alert fires once when its rule becomes true, and again only after it was false.
/// </summary>
internal sealed partial class AlertChecks(
    Databases databases, IDbContextFactory<UsageDbContext> contexts, AlertSignals signals, TimeProvider time, AlertMetrics metrics,
    ILogger<AlertChecks> logger) : IElectedDuty
{
    /// <summary>Alerts of one rule in one check at most: a rule that most users come to meet at once must not flood its receiver.</summary>
    internal const int MostAtOnce = 100;

    /// <summary>As IS NOT DISTINCT FROM would say it, for which PostgreSQL has no hash join: thousands of users would be compared with thousands.</summary>
    private const string SameUser = "coalesce(a.user_id, '00000000-0000-0000-0000-000000000000') = coalesce(h.user_id, '00000000-0000-0000-0000-000000000000')";

    private static readonly TimeSpan WindowPoll = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeepCleared = TimeSpan.FromDays(90);

    /// <summary>Rules that nobody changes are read all the same: what has ended long ago goes then.</summary>
    private static readonly TimeSpan ReadAgain = TimeSpan.FromDays(1);

    private IReadOnlyList<AlertRule> _rules = [];
    private long _readAt;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellation)
    {
        // The one elected before may have died between a change and its check.
        signals.Recheck();
        await using var windows = time.CreateTimer(_ => signals.Changes.Signal(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            await signals.Changes.WaitAsync(cancellation);
            signals.Changes.Acknowledge();
            try
            {
                windows.Change(await CheckAsync(cancellation) ? WindowPoll : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Whatever it was, alerts must not end here.
                if (DatabaseFailure.Is(e))
                    LogFailed(logger, e.GetBaseException().Message, null);
                else
                    LogFailed(logger, e.Message, e);
                signals.Recheck();
            }
        }
    }

    /// <summary>Checks all rules once.</summary>
    /// <returns>Whether to look again though nothing changes.</returns>
    /// <exception cref="NpgsqlException">The database failed; rules that were checked before stay so.</exception>
    internal async Task<bool> CheckAsync(CancellationToken cancellation)
    {
        if (signals.TakeRulesChanged() || time.GetElapsedTime(_readAt) > ReadAgain)
            _rules = await ReadRulesAsync(cancellation);
        if (_rules.Count == 0)
            return false;

        var start = time.GetTimestamp();
        using var span = Traces.Source.StartActivity("alert check")?.SetTag("usage_logs_site.alert.rules", _rules.Count);
        try
        {
            var looksAgain = await CheckRulesAsync(cancellation);
            metrics.Checked(time.GetElapsedTime(start), failed: false);
            return looksAgain;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            metrics.Checked(time.GetElapsedTime(start), failed: true);
            span.Fail(e);
            throw;
        }
    }

    private async Task<bool> CheckRulesAsync(CancellationToken cancellation)
    {
        var looksAgain = false;
        await using var connection = await databases.Admin.OpenConnectionAsync(cancellation);
        foreach (var rule in _rules)
        {
            var (fired, cleared, open) = await CheckAsync(connection, rule, cancellation);
            looksAgain |= open > 0 && AlertCondition.EndsByTime(rule.Kind);
            if (fired == MostAtOnce)
                signals.Changes.Signal(); // there may be more
            metrics.Fired(fired);
            LogChecked(logger, rule.Id, fired, cleared, open);
        }

        return looksAgain;
    }

    /// <summary>Notes for whom a rule is true as it begins: that is no news.</summary>
    /// <param name="connection">A connection in the transaction that switches the rule on.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="now">The time, in UTC.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>For how many.</returns>
    internal static async Task<int> BeginAsync(NpgsqlConnection connection, AlertRule rule, DateTime now, CancellationToken cancellation)
    {
        if (!AlertCondition.IsAboutUsers(rule.Kind))
            return 0;
        await using var command = Command(
            connection, rule, now,
            $"INSERT INTO alerts (rule_id, user_id, value, fired_at, is_known) SELECT $5, h.user_id, h.value, $1, true FROM ({AlertCondition.Of(rule)}) h ON CONFLICT DO NOTHING");
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<IReadOnlyList<AlertRule>> ReadRulesAsync(CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var old = time.GetUtcNow().UtcDateTime - KeepCleared;
        await database.Alerts.Where(a => a.ClearedAt < old).ExecuteDeleteAsync(cancellation);
        var rules = await database.AlertRules.Where(r => r.IsEnabled).OrderBy(r => r.CreatedAt).ToListAsync(cancellation);
        _readAt = start;
        return rules;
    }

    private async Task<(int Fired, int Cleared, int Open)> CheckAsync(NpgsqlConnection connection, AlertRule rule, CancellationToken cancellation)
    {
        // Whoever else checks this rule, or switches it off, goes before or after: the next statement sees what they did.
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var hold = new NpgsqlCommand("SELECT 1 FROM alert_rules WHERE id = $1 AND is_enabled FOR UPDATE", connection))
        {
            hold.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = rule.Id });
            if (await hold.ExecuteScalarAsync(cancellation) is null)
                return default;
        }

        // Without statistics yet, PostgreSQL would compare thousands of users with thousands of alerts, each with each.
        if (AlertCondition.IsAboutUsers(rule.Kind))
        {
            await using var plan = new NpgsqlCommand("SET LOCAL enable_nestloop = off; SET LOCAL jit = off", connection);
            await plan.ExecuteNonQueryAsync(cancellation);
        }

        await using var command = Command(connection, rule, time.GetUtcNow().UtcDateTime, Statement(rule));
        int fired, cleared, open;
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            await reader.ReadAsync(cancellation);
            (fired, cleared, open) = (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2));
        }

        await transaction.CommitAsync(cancellation);
        return (fired, cleared, open);
    }

    /// <summary>Fires and clears the alerts of a rule, queues what is to be posted, and counts: fired, cleared, and for whom it is true.</summary>
    private static string Statement(AlertRule rule) => $"""
        WITH holds AS MATERIALIZED ({AlertCondition.Of(rule)}), fired AS (
            INSERT INTO alerts (rule_id, user_id, value, fired_at, is_known)
            SELECT $5, h.user_id, h.value, $1, false FROM holds h
            WHERE NOT EXISTS (SELECT FROM alerts a WHERE a.rule_id = $5 AND a.cleared_at IS NULL AND {SameUser})
            LIMIT {MostAtOnce}
            ON CONFLICT DO NOTHING RETURNING id
        ), ended AS (
            SELECT a.id, a.is_known FROM alerts a LEFT JOIN holds h ON {SameUser}
            WHERE a.rule_id = $5 AND a.cleared_at IS NULL AND h.value IS NULL
        ), cleared AS (
            UPDATE alerts SET cleared_at = $1 WHERE id IN (SELECT id FROM ended WHERE NOT is_known) RETURNING 1
        ), forgotten AS (
            DELETE FROM alerts WHERE id IN (SELECT id FROM ended WHERE is_known)
        ), queued AS (
            INSERT INTO alert_deliveries (rule_id, alert_id, created_at, next_attempt_at)
            SELECT $5, f.id, $1, $1 FROM fired f, alert_rules r WHERE r.id = $5 AND r.webhook_url IS NOT NULL
        )
        SELECT (SELECT count(*) FROM fired)::int, (SELECT count(*) FROM cleared)::int, (SELECT count(*) FROM holds)::int
        """;

    private static NpgsqlCommand Command(NpgsqlConnection connection, AlertRule rule, DateTime now, string sql)
    {
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = rule.Threshold });
        command.Parameters.Add(new NpgsqlParameter { Value = rule.UserId is { } user ? user : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter { Value = rule.UserType is { } type ? Names.Of(type) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = rule.Id });
        return command;
    }

    [LoggerMessage(5001, LogLevel.Debug, "Alerts: checked rule {Rule}: {Fired} fired, {Cleared} cleared, true for {Open}")]
    private static partial void LogChecked(ILogger logger, Guid rule, int fired, int cleared, int open);

    [LoggerMessage(5002, LogLevel.Warning, "Alerts: could not be checked, trying again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception? exception);
}
