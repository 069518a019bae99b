using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> user)
    {
        user.ToTable("users", table =>
        {
            table.IsOneOf<UserType>("user_type");
            table.IsAtMost("email", 320);
            table.IsAtMost("name", 200);
            table.IsTime("created_at");
        });
        user.Property(u => u.Version).IsRowVersion().HasColumnName("xmin").HasColumnType("xid");
        user.Property(u => u.Id).HasDefaultValueSql("gen_random_uuid()");
        user.Property(u => u.Name).HasDefaultValue("");
        user.Property(u => u.UserType).StoredInLowerCase().HasDefaultValue(UserType.External).HasSentinel((UserType)(-1));
        user.Property(u => u.CreatedAt).HasDefaultValueSql("now()");
        user.HasIndex(u => new { u.Name, u.Id });

        // In lower case and compared byte by byte, a text is looked through several times as fast as without regard to case. No search
        // contains the end of a line, so none matches from the name into the address.
        user.Property(u => u.SearchText).HasComputedColumnSql(@"lower(name) || E'\n' || lower(email)", stored: true).UseCollation("C");

        // Finds any part of three characters or more. Without a list of pending entries, which every search would have to read through:
        // there are more searches than new users.
        user.HasIndex(u => u.SearchText).HasMethod("gin").HasOperators("gin_trgm_ops").HasStorageParameter("fastupdate", false);
    }
}
