using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class UsageLogConfiguration : IEntityTypeConfiguration<UsageLog>
{
    public void Configure(EntityTypeBuilder<UsageLog> log)
    {
        log.ToTable("usage_logs", table =>
        {
            table.IsAtMost("model", 200);
            table.IsNotNegativeInteger("prompt_tokens");
            table.IsNotNegativeInteger("completion_tokens");
            table.IsNotNegative("credits");
            table.IsNotNegative("cost_usd");
            table.IsOneOf<UsageLogStatus>("status");
            table.IsTime("created_at");
        });

        // Partitioned by month: a key must contain what the partition follows from.
        log.HasKey(l => new { l.Id, l.CreatedAt });
        log.Property(l => l.Version).IsRowVersion().HasColumnName("xmin").HasColumnType("xid");
        log.Property(l => l.Id).HasDefaultValueSql("gen_random_uuid()");
        log.Property(l => l.Credits).HasColumnType(Checks.Amount).HasDefaultValue(0m);
        log.Property(l => l.CostUsd).HasColumnType(Checks.Amount).HasDefaultValue(0m);
        log.Property(l => l.PromptTokens).HasDefaultValue(0);
        log.Property(l => l.CompletionTokens).HasDefaultValue(0);
        log.Property(l => l.Status).StoredInLowerCase().HasDefaultValue(UsageLogStatus.Succeeded);
        log.Property(l => l.CreatedAt).HasDefaultValueSql("now()");
        log.HasOne<User>().WithMany().HasForeignKey(l => l.UserId).OnDelete(DeleteBehavior.NoAction);

        // The rollup looks a user's newest log up here: one index probe.
        log.HasIndex(l => new { l.UserId, l.CreatedAt });

        // Failures are few: whoever looks for them must not read all else, and a writer whose response succeeded pays nothing.
        log.HasIndex(l => new { l.UserId, l.CreatedAt }, "ix_usage_logs_failed").HasFilter("status = 'failed'").HasDatabaseName("ix_usage_logs_failed");

        // Alerts count the failures of the last hour. Responses that succeeded, nearly all, cost it nothing.
        log.HasIndex(l => l.CreatedAt, "ix_usage_logs_failed_at").HasFilter("status = 'failed'").HasDatabaseName("ix_usage_logs_failed_at");
    }
}
