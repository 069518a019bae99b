using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class UserNoteConfiguration : IEntityTypeConfiguration<UserNote>
{
    public void Configure(EntityTypeBuilder<UserNote> note)
    {
        note.ToTable("user_notes", table =>
        {
            table.IsAtMost("text", UserNote.LongestText);
            table.IsTime("created_at");
        });
        note.Property(n => n.Id).HasDefaultValueSql("gen_random_uuid()");
        note.Property(n => n.CreatedAt).HasDefaultValueSql("now()");
        note.HasOne<User>().WithMany().HasForeignKey(n => n.UserId).OnDelete(DeleteBehavior.Cascade);
        note.HasIndex(n => new { n.UserId, n.CreatedAt });
    }
}

internal sealed class TakenDecisionConfiguration : IEntityTypeConfiguration<TakenDecision>
{
    public void Configure(EntityTypeBuilder<TakenDecision> decision)
    {
        decision.ToTable("decisions");
        decision.HasKey(d => d.Key);
        decision.Property(d => d.Key).ValueGeneratedNever();
        decision.Property(d => d.At).HasDefaultValueSql("now()");
    }
}
