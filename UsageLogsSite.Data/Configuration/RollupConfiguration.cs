using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

// No foreign key to users: the fold must never wait for, or deadlock with, a writer that deletes a user.
internal sealed class UsageTotalConfiguration : IEntityTypeConfiguration<UsageTotal>
{
    public void Configure(EntityTypeBuilder<UsageTotal> total)
    {
        total.ToTable("usage_totals");
        total.HasKey(t => t.UserId);
        total.Property(t => t.UserId).ValueGeneratedNever();
        total.Property(t => t.UserType).StoredInLowerCase();
        total.Property(t => t.CreditsUsed).HasColumnType("numeric");
        total.Property(t => t.CreditsBought).HasColumnType("numeric");
        total.Property(t => t.CostUsd).HasColumnType("numeric");
        total.Property(t => t.RevenueUsd).HasColumnType("numeric");

        // One index per sort, read forwards or backwards; the id makes the order unique.
        total.HasIndex(t => new { t.LastActivity, t.UserId });
        total.HasIndex(t => new { t.Requests, t.UserId });
        total.HasIndex(t => new { t.Tokens, t.UserId });
        total.HasIndex(t => new { t.CreditsUsed, t.UserId });
        total.HasIndex(t => new { t.CostUsd, t.UserId });
        total.HasIndex(t => new { t.RevenueUsd, t.UserId });
    }
}

internal sealed class UsageActivityConfiguration : IEntityTypeConfiguration<UsageActivity>
{
    public void Configure(EntityTypeBuilder<UsageActivity> activity)
    {
        activity.ToTable("usage_activity");
        activity.HasKey(a => new { a.Hour, a.UserType });
        activity.Property(a => a.UserType).StoredInLowerCase().ValueGeneratedNever();
        activity.Property(a => a.CostUsd).HasColumnType("numeric");
        activity.Property(a => a.RevenueUsd).HasColumnType("numeric");
    }
}

internal sealed class UsageDayConfiguration : IEntityTypeConfiguration<UsageDay>
{
    public void Configure(EntityTypeBuilder<UsageDay> day)
    {
        day.ToTable("usage_days");

        // A period is one range of it, and the fold knows day and user of all that it touches.
        day.HasKey(d => new { d.Day, d.UserId });

        // Who bought something in a period, perhaps without using anything. Small; and it leaves updates of other days' sums in place.
        day.HasIndex(d => new { d.Day, d.UserId }).HasFilter("completed_payments <> 0").HasDatabaseName("ix_usage_days_bought");
        day.Property(d => d.CreditsUsed).HasColumnType("numeric");
        day.Property(d => d.CreditsBought).HasColumnType("numeric");
        day.Property(d => d.CostUsd).HasColumnType("numeric");
        day.Property(d => d.RevenueUsd).HasColumnType("numeric");
    }
}

internal sealed class UsageHourConfiguration : IEntityTypeConfiguration<UsageHour>
{
    public void Configure(EntityTypeBuilder<UsageHour> hour)
    {
        hour.ToTable("usage_hours");

        // The day is part of it: zones have changed their offset by minutes, so that an hour of the clock began on the day before.
        hour.HasKey(h => new { h.Day, h.Hour, h.UserType });
        hour.Property(h => h.UserType).StoredInLowerCase().ValueGeneratedNever();
        hour.Property(h => h.CostUsd).HasColumnType("numeric");
        hour.Property(h => h.RevenueUsd).HasColumnType("numeric");
    }
}

// No key and no index: writers append at heap speed, the fold deletes what it reads.
internal sealed class UsageDeltaConfiguration : IEntityTypeConfiguration<UsageDelta>
{
    public void Configure(EntityTypeBuilder<UsageDelta> delta)
    {
        delta.ToTable("usage_deltas");
        delta.HasNoKey();
        delta.Property(d => d.Requests).HasDefaultValue(0);
        delta.Property(d => d.Tokens).HasDefaultValue(0L);
        delta.Property(d => d.CreditsUsed).HasColumnType("numeric").HasDefaultValue(0m);
        delta.Property(d => d.CreditsBought).HasColumnType("numeric").HasDefaultValue(0m);
        delta.Property(d => d.CostUsd).HasColumnType("numeric").HasDefaultValue(0m);
        delta.Property(d => d.RevenueUsd).HasColumnType("numeric").HasDefaultValue(0m);
        delta.Property(d => d.CompletedPayments).HasDefaultValue(0);
    }
}

internal sealed class RollupStateConfiguration : IEntityTypeConfiguration<RollupState>
{
    public void Configure(EntityTypeBuilder<RollupState> state)
    {
        state.ToTable("rollup_state", table => table.HasCheckConstraint("ck_rollup_state_one_row", "id"));
        state.Property(s => s.Id).ValueGeneratedNever();
        state.Property(s => s.HintKey).HasDefaultValueSql("gen_random_uuid()");
    }
}
