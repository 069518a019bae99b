using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class CreditPurchaseConfiguration : IEntityTypeConfiguration<CreditPurchase>
{
    public void Configure(EntityTypeBuilder<CreditPurchase> purchase)
    {
        purchase.ToTable("credit_purchases", table =>
        {
            table.IsNotNegative("amount_usd");
            table.IsNotNegative("credits");
            table.IsOneOf<PurchaseStatus>("status");
            table.IsTime("created_at");
        });
        purchase.Property(p => p.Version).IsRowVersion().HasColumnName("xmin").HasColumnType("xid");
        purchase.Property(p => p.Id).HasDefaultValueSql("gen_random_uuid()");
        purchase.Property(p => p.AmountUsd).HasColumnType(Checks.Amount);
        purchase.Property(p => p.Credits).HasColumnType(Checks.Amount).HasDefaultValue(0m);
        purchase.Property(p => p.Status).StoredInLowerCase().HasDefaultValue(PurchaseStatus.Pending);
        purchase.Property(p => p.CreatedAt).HasDefaultValueSql("now()");
        purchase.HasOne<User>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.NoAction);
        purchase.HasIndex(p => new { p.UserId, p.CreatedAt });
    }
}
