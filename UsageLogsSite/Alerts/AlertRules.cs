using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Alerts;

/// <summary>What owners do to rules, written down.</summary>
internal sealed class AlertRules(
    IDbContextFactory<UsageDbContext> contexts, Accounts accounts, IDataProtectionProvider protection, IOptions<AlertOptions> options, TimeProvider time, Audit audit)
{
    private const int MostRules = 100;

    /// <summary>Makes a rule. For whom it is true by then is no news, but for sums, which are told at once.</summary>
    /// <returns>The webhook's secret, to be shown once; null without a webhook.</returns>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal async Task<string?> AddAsync(HttpContext http, NewAlertRule typed, CancellationToken cancellation)
    {
        var rule = await MakeAsync(typed, cancellation);
        var secret = rule.WebhookUrl is null ? null : WebhookSecret.Make();
        rule.WebhookSecret = secret is null ? null : WebhookSecret.Protect(protection, secret);
        rule.CreatedBy = http.Features.Get<Visitor>()?.AccountId;

        await using var database = await contexts.CreateDbContextAsync(cancellation);
        if (await database.AlertRules.CountAsync(cancellation) >= MostRules)
            throw new FormatException($"There are {MostRules} rules already: remove one first.");
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        database.AlertRules.Add(rule);
        await database.SaveChangesAsync(cancellation);
        await AlertChecks.BeginAsync(ConnectionOf(database), rule, Now, cancellation);
        await transaction.CommitAsync(cancellation);
        await WriteAsync(http, AuditAction.AddedAlertRule, rule, AlertText.Of(rule), cancellation);
        return secret;
    }

    /// <summary>
    /// Changes a rule, but not what it watches: the figures of its alerts are of that. For whom it is true by the change alone is no news;
    /// alerts that are no longer true end with the next check, and those about others end now.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <param name="id">The rule.</param>
    /// <param name="version">The version that the owner saw.</param>
    /// <param name="typed">What it is to be.</param>
    /// <param name="cancellation">Gives up; nothing is changed then.</param>
    /// <returns>The secret of another webhook, to be shown once; null where the address stays, or there is none.</returns>
    /// <exception cref="FormatException">Something is not allowed, or somebody else was quicker; the message says what.</exception>
    internal async Task<string?> ChangeAsync(HttpContext http, Guid id, long version, NewAlertRule typed, CancellationToken cancellation)
    {
        var wanted = await MakeAsync(typed, cancellation);
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        var found = await database.Database.SqlQuery<long>($"SELECT xmin::text::bigint AS \"Value\" FROM alert_rules WHERE id = {id} FOR UPDATE").ToListAsync(cancellation);
        var rule = await database.AlertRules.AsTracking().SingleOrDefaultAsync(r => r.Id == id, cancellation) ?? throw new FormatException("There is no such rule: somebody removed it.");
        if (found is not [var current] || current != version)
            throw new FormatException($"Somebody has changed this rule meanwhile. It is now '{rule.Name}': {AlertText.Of(rule)}. Save again to replace that by what you typed.");
        if (wanted.Kind != rule.Kind)
            throw new FormatException("What a rule watches cannot be changed, as its alerts are about that: add another rule.");

        var before = AlertText.Of(rule);
        var isAboutOthers = (wanted.UserId, wanted.UserType) != (rule.UserId, rule.UserType);
        (rule.Name, rule.UserType, rule.UserId, rule.Threshold) = (wanted.Name, wanted.UserType, wanted.UserId, wanted.Threshold);
        var secret = await MoveWebhookAsync(database, rule, wanted.WebhookUrl, cancellation);
        await database.SaveChangesAsync(cancellation);
        if (isAboutOthers)
            await EndAlertsAsync(database, id, cancellation);
        if (rule.IsEnabled)
            await AlertChecks.BeginAsync(ConnectionOf(database), rule, Now, cancellation);
        await transaction.CommitAsync(cancellation);
        await WriteAsync(http, AuditAction.ChangedAlertRule, rule, $"{before} → {AlertText.Of(rule)}{(secret is null ? "" : ", another webhook")}", cancellation);
        return secret;
    }

    /// <summary>Another address gets another secret: whoever received until now could sign for it.</summary>
    private async Task<string?> MoveWebhookAsync(UsageDbContext database, AlertRule rule, string? url, CancellationToken cancellation)
    {
        if (url == rule.WebhookUrl)
            return null;
        await GiveUpAsync(database, rule.Id, "The webhook was changed.", cancellation);
        var secret = url is null ? null : WebhookSecret.Make();
        (rule.WebhookUrl, rule.WebhookSecret) = (url, secret is null ? null : WebhookSecret.Protect(protection, secret));
        return secret;
    }

    private async Task<AlertRule> MakeAsync(NewAlertRule typed, CancellationToken cancellation)
    {
        var rule = typed.Make(options.Value.AllowPrivateAddresses);
        if (typed.User.Trim() is { Length: > 0 } user)
            rule.UserId = await accounts.FindUserAsync(user, cancellation) ?? throw new FormatException($"There is no user with the id or e-mail address '{user}'.");
        return rule;
    }

    private async Task EndAlertsAsync(UsageDbContext database, Guid id, CancellationToken cancellation)
    {
        var now = Now;
        await database.Alerts.Where(a => a.RuleId == id && a.IsKnown).ExecuteDeleteAsync(cancellation);
        await database.Alerts.Where(a => a.RuleId == id && a.ClearedAt == null).ExecuteUpdateAsync(set => set.SetProperty(a => a.ClearedAt, now), cancellation);
    }

    private static Task<int> GiveUpAsync(UsageDbContext database, Guid id, string reason, CancellationToken cancellation) =>
        database.AlertDeliveries.Where(d => d.RuleId == id && d.NextAttemptAt != null).ExecuteUpdateAsync(
            set => set.SetProperty(d => d.NextAttemptAt, (DateTime?)null).SetProperty(d => d.Problem, reason), cancellation);

    /// <summary>Switches a rule off, with all that it found and that waits to be posted, or on, as if it were made now.</summary>
    /// <exception cref="FormatException">There is no such rule.</exception>
    internal async Task SwitchAsync(HttpContext http, Guid id, bool isEnabled, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        var hasChanged = await database.AlertRules.Where(r => r.Id == id && r.IsEnabled != isEnabled)
            .ExecuteUpdateAsync(set => set.SetProperty(r => r.IsEnabled, isEnabled), cancellation) > 0;
        var rule = await FindAsync(database, id, cancellation);
        if (!hasChanged)
            return;
        if (isEnabled)
        {
            await AlertChecks.BeginAsync(ConnectionOf(database), rule, Now, cancellation);
        }
        else
        {
            await EndAlertsAsync(database, id, cancellation);
            await GiveUpAsync(database, id, "The rule was switched off.", cancellation);
        }

        await transaction.CommitAsync(cancellation);
        await WriteAsync(http, AuditAction.ChangedAlertRule, rule, isEnabled ? "on" : "off", cancellation);
    }

    /// <summary>Removes a rule, its alerts and what waits to be posted.</summary>
    /// <exception cref="FormatException">There is no such rule.</exception>
    internal async Task RemoveAsync(HttpContext http, Guid id, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var rule = await FindAsync(database, id, cancellation);
        await database.AlertRules.Where(r => r.Id == id).ExecuteDeleteAsync(cancellation);
        await WriteAsync(http, AuditAction.RemovedAlertRule, rule, AlertText.Of(rule), cancellation);
    }

    /// <summary>Has a test posted to a rule's webhook, as an alert would be.</summary>
    /// <exception cref="FormatException">There is no such rule, it has no webhook, or it is off.</exception>
    internal async Task TestAsync(HttpContext http, Guid id, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var rule = await FindAsync(database, id, cancellation);
        if (rule.WebhookUrl is null || !rule.IsEnabled)
            throw new FormatException(rule.WebhookUrl is null ? "The rule has no webhook." : "The rule is off: switch it on first.");
        database.AlertDeliveries.Add(new AlertDelivery { RuleId = id, CreatedAt = Now, NextAttemptAt = Now });
        await database.SaveChangesAsync(cancellation);
        await WriteAsync(http, AuditAction.ChangedAlertRule, rule, "test delivery", cancellation);
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private static NpgsqlConnection ConnectionOf(UsageDbContext database) => (NpgsqlConnection)database.Database.GetDbConnection();

    private static async Task<AlertRule> FindAsync(UsageDbContext database, Guid id, CancellationToken cancellation) =>
        await database.AlertRules.SingleOrDefaultAsync(r => r.Id == id, cancellation) ?? throw new FormatException("There is no such rule: somebody removed it.");

    private Task WriteAsync(HttpContext http, AuditAction action, AlertRule rule, string detail, CancellationToken cancellation) =>
        audit.WriteAsync(http, action, rule.Id.ToString(), $"{rule.Name}: {detail}", cancellation);
}
