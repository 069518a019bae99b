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
    }
}
