using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class SavedViewConfiguration : IEntityTypeConfiguration<SavedView>
{
    public void Configure(EntityTypeBuilder<SavedView> view)
    {
        view.ToTable("saved_views", table =>
        {
            table.IsAtMost("name", SavedView.LongestName);
            table.IsAtMost("query", SavedView.LongestQuery);
        });
        view.Property(v => v.Id).HasDefaultValueSql("gen_random_uuid()");
        view.Property(v => v.CreatedAt).HasDefaultValueSql("now()");
        view.HasOne<Account>().WithMany().HasForeignKey(v => v.AccountId).OnDelete(DeleteBehavior.Cascade);
        view.HasIndex(v => new { v.AccountId, v.NormalizedName }).IsUnique();
    }
}
