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
        user.Property(u => u.Id).HasDefaultValueSql("gen_random_uuid()");
        user.Property(u => u.Name).HasDefaultValue("");
        user.Property(u => u.UserType).StoredInLowerCase().HasDefaultValue(UserType.External).HasSentinel((UserType)(-1));
        user.Property(u => u.CreatedAt).HasDefaultValueSql("now()");
        user.HasIndex(u => new { u.Name, u.Id });

        // Finds any part of three characters or more of a name or an address. Without a list of pending entries, which every search
        // would have to read through: there are more searches than new users.
        user.HasIndex(u => new { u.Name, u.Email }).HasMethod("gin").HasOperators("gin_trgm_ops", "gin_trgm_ops").HasStorageParameter("fastupdate", false);
    }
}
