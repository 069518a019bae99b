using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKey>
{
    public void Configure(EntityTypeBuilder<ApiKey> key)
    {
        key.ToTable("api_keys", table =>
        {
            table.IsAtMost("name", ApiKey.LongestName);
            table.IsAtMost("source", ApiKey.LongestName);
        });
        key.Property(k => k.Id).HasDefaultValueSql("gen_random_uuid()");
        key.Property(k => k.CreatedAt).HasDefaultValueSql("now()");
        key.HasIndex(k => k.KeyHash).IsUnique();
    }
}

// Both are read by their keys, and cleaned up by time. Not by ranges of pages (BRIN): once old rows are gone, new ones take their places among others.
internal sealed class IngestedIdConfiguration : IEntityTypeConfiguration<IngestedId>
{
    public void Configure(EntityTypeBuilder<IngestedId> id)
    {
        id.ToTable("ingest_ids");
        id.Property(i => i.Id).ValueGeneratedNever();
        id.Property(i => i.At).HasDefaultValueSql("now()");
        id.HasIndex(i => i.At);
    }
}

internal sealed class IngestedRequestConfiguration : IEntityTypeConfiguration<IngestedRequest>
{
    public void Configure(EntityTypeBuilder<IngestedRequest> request)
    {
        request.ToTable("ingest_requests", table => table.IsAtMost("source", ApiKey.LongestName));
        request.HasKey(r => new { r.Source, r.Key });
        request.Property(r => r.Inserted).HasDefaultValue(0);
        request.Property(r => r.Repeated).HasDefaultValue(0);
        request.Property(r => r.At).HasDefaultValueSql("now()");
        request.HasIndex(r => r.At);
    }
}
