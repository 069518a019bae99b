using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Alerts;

/// <summary>
/// Posts what waits in <c>alert_deliveries</c>, on the elected instance: at least once, under the same id. What fails is tried again
/// after a wait that doubles, for a day. All of that is in the table, so a restart or another leader goes on with it.
/// </summary>
internal sealed partial class AlertSender(
    Databases databases, IDbContextFactory<UsageDbContext> contexts, WebhookClient webhooks, IDataProtectionProvider protection, AlertSignals signals,
    TimeProvider time, AlertMetrics metrics, ILogger<AlertSender> logger) : IElectedDuty
{
    /// <summary>After this long a delivery is given up.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromHours(24);

    private const int AtOnce = 8;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromHours(2);

    /// <summary>Whoever dies over a delivery leaves it to the next after this long: more than an attempt takes.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellation)
    {
        signals.Deliveries.Signal();
        await using var alarm = time.CreateTimer(_ => signals.Deliveries.Signal(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            await signals.Deliveries.WaitAsync(cancellation);
            signals.Deliveries.Acknowledge();
            var wait = FirstRetry;
            try
            {
                wait = await SendDueAsync(cancellation) is { } next ? next - time.GetUtcNow().UtcDateTime : Timeout.InfiniteTimeSpan;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Whatever it was, deliveries must not end here.
                LogFailed(logger, e.GetBaseException().Message, DatabaseFailure.Is(e) ? null : e);
            }

            alarm.Change(wait == Timeout.InfiniteTimeSpan || wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Tries all that is due.</summary>
    /// <returns>When the next is due, in UTC; null if nothing waits.</returns>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<DateTime?> SendDueAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var claimed = await ClaimAsync(cancellation);
            if (claimed.Length == 0)
                break;
            await Task.WhenAll(claimed.Select(id => SendAsync(id, cancellation)));
        }

        await using var next = databases.Admin.CreateCommand("SELECT min(next_attempt_at) FROM alert_deliveries WHERE next_attempt_at IS NOT NULL");
        return await next.ExecuteScalarAsync(cancellation) as DateTime?;
    }

    /// <summary>When an attempt that failed is followed by the next: the wait doubles, and is spread, so that a receiver that comes back is not stormed.</summary>
    /// <param name="attempts">How many there were.</param>
    /// <param name="chance">A random number from 0 to 1.</param>
    internal static TimeSpan Backoff(int attempts, double chance)
    {
        var wait = FirstRetry * Math.Pow(2, Math.Min(attempts - 1, 20));
        return (wait < LongestRetry ? wait : LongestRetry) * (0.8 + 0.4 * chance);
    }

    /// <summary>
    /// Takes some that are due, of each rule its first, then its second: a receiver that lets us wait must not keep others' alerts waiting behind
    /// its own. Whoever else looks at the same time takes others.
    /// </summary>
    private async Task<Guid[]> ClaimAsync(CancellationToken cancellation)
    {
        await using var claim = databases.Admin.CreateCommand($"""
            UPDATE alert_deliveries d SET attempts = d.attempts + 1, next_attempt_at = $2
            FROM (
                SELECT w.id FROM alert_deliveries w JOIN (
                    SELECT f.id, f.next_attempt_at, row_number() OVER (PARTITION BY r.id ORDER BY f.next_attempt_at) AS place
                    FROM alert_rules r CROSS JOIN LATERAL (
                        SELECT id, next_attempt_at FROM alert_deliveries WHERE rule_id = r.id AND next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT {2 * AtOnce}) f
                ) n ON n.id = w.id
                WHERE w.next_attempt_at <= $1
                ORDER BY n.place, n.next_attempt_at LIMIT {AtOnce} FOR UPDATE OF w SKIP LOCKED
            ) due
            WHERE d.id = due.id RETURNING d.id
            """);
        var now = time.GetUtcNow().UtcDateTime;
        claim.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = now });
        claim.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = now + Lease });
        await using var reader = await claim.ExecuteReaderAsync(cancellation);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(cancellation))
            ids.Add(reader.GetGuid(0));
        return [.. ids];
    }

    private async Task SendAsync(Guid id, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var found = await (
            from d in database.AlertDeliveries
            join r in database.AlertRules on d.RuleId equals r.Id
            join a in database.Alerts on d.AlertId equals (Guid?)a.Id into alerts
            from a in alerts.DefaultIfEmpty()
            where d.Id == id
            select new { Delivery = d, Rule = r, Alert = a }).SingleOrDefaultAsync(cancellation);
        if (found is null)
            return; // its rule was removed meanwhile

        var (delivery, rule) = (found.Delivery, found.Rule);
        var start = time.GetTimestamp();
        var (answer, isFinal) = await PostAsync(rule, delivery, found.Alert, cancellation);
        var now = time.GetUtcNow().UtcDateTime;
        var retry = now + Backoff(delivery.Attempts, Random.Shared.NextDouble());
        DateTime? next = answer.Problem is null || isFinal || retry > delivery.CreatedAt + Patience ? null : retry;
        metrics.Posted(time.GetElapsedTime(start), answer.Problem, next is not null);
        DateTime? delivered = answer.Problem is null ? now : null;

        // Not if somebody else has tried it meanwhile, or switched the rule off: that is the newer word.
        await database.AlertDeliveries.Where(d => d.Id == id && d.Attempts == delivery.Attempts && d.NextAttemptAt != null).ExecuteUpdateAsync(
            set => set.SetProperty(d => d.NextAttemptAt, next).SetProperty(d => d.DeliveredAt, delivered)
                .SetProperty(d => d.LastStatus, answer.Status).SetProperty(d => d.Problem, answer.Problem),
            cancellation);
        if (answer.Problem is null)
            LogDelivered(logger, id, delivery.Attempts);
        else
            LogNotDelivered(logger, id, delivery.Attempts, next, answer.Problem);
    }

    private async Task<(WebhookAnswer Answer, bool IsFinal)> PostAsync(AlertRule rule, AlertDelivery delivery, Alert? alert, CancellationToken cancellation)
    {
        if (rule is not { WebhookUrl: { } url, WebhookSecret: { } stored })
            return (new WebhookAnswer(null, "The rule has no webhook."), true);
        string secret;
        try
        {
            secret = WebhookSecret.Unprotect(protection, stored);
        }
        catch (CryptographicException)
        {
            return (new WebhookAnswer(null, "The keys that its secret was kept with are gone: make the rule anew."), true);
        }

        var answer = await webhooks.PostAsync(url, delivery.Id.ToString(), WebhookMessage.Of(rule, delivery, alert), secret, cancellation);
        return (answer, answer.Status == StatusCodes.Status410Gone);
    }

    [LoggerMessage(5003, LogLevel.Debug, "Alerts: delivery {Delivery} arrived at attempt {Attempt}")]
    private static partial void LogDelivered(ILogger logger, Guid delivery, int attempt);

    [LoggerMessage(5004, LogLevel.Warning, "Alerts: delivery {Delivery}, attempt {Attempt}, failed; next at {Next}: {Reason}")]
    private static partial void LogNotDelivered(ILogger logger, Guid delivery, int attempt, DateTime? next, string reason);

    [LoggerMessage(5005, LogLevel.Warning, "Alerts: deliveries are interrupted, trying again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception? exception);
}
