using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class UsageArchiveConfiguration : IEntityTypeConfiguration<UsageArchive>
{
    public void Configure(EntityTypeBuilder<UsageArchive> archive)
    {
        archive.ToTable("usage_archive");
        archive.HasKey(a => new { a.UserId, a.Quarter });
        archive.Property(a => a.Credits).HasColumnType("numeric");
        archive.Property(a => a.CostUsd).HasColumnType("numeric");

        // No log is left that would keep a user from being deleted: these sums go with them.
        archive.HasOne<User>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
