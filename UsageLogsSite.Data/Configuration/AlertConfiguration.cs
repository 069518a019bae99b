using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

// No foreign keys to users or accounts: neither the application that deletes a user nor the owner who deletes an account waits for alerts.
internal sealed class AlertRuleConfiguration : IEntityTypeConfiguration<AlertRule>
{
    private static readonly Dictionary<AlertKind, string> Names =
        Enum.GetValues<AlertKind>().ToDictionary(kind => kind, kind => JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString()));

    private static readonly Dictionary<string, AlertKind> Kinds = Names.ToDictionary(pair => pair.Value, pair => pair.Key);

    public void Configure(EntityTypeBuilder<AlertRule> rule)
    {
        rule.ToTable("alert_rules", table =>
        {
            table.HasCheckConstraint("ck_alert_rules_kind", $"kind IN ({string.Join(", ", Names.Values.Select(name => $"'{name}'"))})");
            table.IsOneOf<UserType>("user_type");
            table.HasCheckConstraint("ck_alert_rules_user", "user_type IS NULL OR user_id IS NULL");
            table.IsAtMost("name", AlertRule.LongestName);
            table.IsAtMost("webhook_url", AlertRule.LongestUrl);
            table.IsNotNegative("threshold");
        });
        rule.Property(r => r.Id).HasDefaultValueSql("gen_random_uuid()");
        rule.Property(r => r.Kind).HasColumnType("text").HasConversion(kind => Names[kind], name => Kinds[name]);
        rule.Property(r => r.UserType).HasColumnType("text").HasConversion(
            type => type!.Value.ToString().ToLowerInvariant(), text => Enum.Parse<UserType>(text, ignoreCase: true));
        rule.Property(r => r.Threshold).HasColumnType("numeric");
        rule.Property(r => r.CreatedAt).HasDefaultValueSql("now()");
    }
}

internal sealed class AlertConfiguration : IEntityTypeConfiguration<Alert>
{
    public void Configure(EntityTypeBuilder<Alert> alert)
    {
        alert.ToTable("alerts");
        alert.Property(a => a.Id).HasDefaultValueSql("gen_random_uuid()");
        alert.Property(a => a.Value).HasColumnType("numeric");
        alert.HasOne<AlertRule>().WithMany().HasForeignKey(a => a.RuleId).OnDelete(DeleteBehavior.Cascade);

        // Exactly once, whoever looks at the same time: the second finds it there.
        alert.HasIndex(a => new { a.RuleId, a.UserId }).IsUnique().AreNullsDistinct(false).HasFilter("cleared_at IS NULL")
            .HasDatabaseName("ux_alerts_open");
        alert.HasIndex(a => a.FiredAt).HasFilter("NOT is_known");
        alert.HasIndex(a => a.RuleId);
    }
}

internal sealed class AlertDeliveryConfiguration : IEntityTypeConfiguration<AlertDelivery>
{
    public void Configure(EntityTypeBuilder<AlertDelivery> delivery)
    {
        delivery.ToTable("alert_deliveries", table => table.IsAtMost("problem", AlertDelivery.LongestProblem));
        delivery.Property(d => d.Id).HasDefaultValueSql("gen_random_uuid()");
        delivery.Property(d => d.CreatedAt).HasDefaultValueSql("now()");
        delivery.Property(d => d.Attempts).HasDefaultValue(0);
        delivery.HasOne<AlertRule>().WithMany().HasForeignKey(d => d.RuleId).OnDelete(DeleteBehavior.Cascade);
        delivery.HasOne<Alert>().WithMany().HasForeignKey(d => d.AlertId).OnDelete(DeleteBehavior.Cascade);
        delivery.HasIndex(d => d.NextAttemptAt).HasFilter("next_attempt_at IS NOT NULL");
    }
}
