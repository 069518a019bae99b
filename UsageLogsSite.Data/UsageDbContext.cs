using Microsoft.EntityFrameworkCore;

namespace UsageLogsSite.Data;

/// <summary>The database: users, what they used and bought, and the totals the pages read.</summary>
/// <param name="options">Connection and provider.</param>
public sealed class UsageDbContext(DbContextOptions<UsageDbContext> options) : DbContext(options)
{
    /// <summary>Everybody who uses the product.</summary>
    public DbSet<User> Users => Set<User>();

    /// <summary>One row per AI response.</summary>
    public DbSet<UsageLog> UsageLogs => Set<UsageLog>();

    /// <summary>Purchases of credits.</summary>
    public DbSet<CreditPurchase> CreditPurchases => Set<CreditPurchase>();

    /// <summary>One row per user, kept by the rollup.</summary>
    public DbSet<UsageTotal> UsageTotals => Set<UsageTotal>();

    /// <summary>The sums of these rows by type and hour of the last activity, kept by the rollup.</summary>
    public DbSet<UsageActivity> UsageActivity => Set<UsageActivity>();

    /// <summary>The sums of logs that retention has dropped.</summary>
    public DbSet<UsageArchive> UsageArchive => Set<UsageArchive>();

    /// <summary>What each user used and bought on each day, kept by the rollup.</summary>
    public DbSet<UsageDay> UsageDays => Set<UsageDay>();

    /// <summary>What all users of a type used and bought in each hour, kept by the rollup.</summary>
    public DbSet<UsageHour> UsageHours => Set<UsageHour>();

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder
        .HasPostgresExtension("pg_trgm")
        .ApplyConfigurationsFromAssembly(typeof(UsageDbContext).Assembly);
}
