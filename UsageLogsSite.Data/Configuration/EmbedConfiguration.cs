using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

// No foreign keys: neither the application that deletes a user nor the owner who deletes an account waits for widgets.
internal sealed class EmbedConfiguration : IEntityTypeConfiguration<Embed>
{
    public void Configure(EntityTypeBuilder<Embed> embed)
    {
        embed.ToTable("embeds", table =>
        {
            table.IsOneOf<EmbedTheme>("theme");
            table.IsAtMost("name", Embed.LongestName);
            table.HasCheckConstraint("ck_embeds_kind", "num_nonnulls(token_hash, secret) = 1 AND num_nonnulls(user_id, secret) < 2");
        });
        embed.Property(e => e.Id).HasDefaultValueSql("gen_random_uuid()");
        embed.Property(e => e.Theme).StoredInLowerCase();
        embed.Property(e => e.CreatedAt).HasDefaultValueSql("now()");
        embed.HasIndex(e => e.TokenHash).IsUnique();
    }
}
