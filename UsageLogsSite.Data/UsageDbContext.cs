using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace UsageLogsSite.Data;

/// <summary>
/// The database: users, what they used and bought, the totals the pages read, and who may sign in. Identity's own name for accounts is
/// <c>Users</c>; here these are the product's.
/// </summary>
/// <param name="options">Connection and provider.</param>
public sealed class UsageDbContext(DbContextOptions<UsageDbContext> options) : IdentityUserContext<Account, Guid>(options), IDataProtectionKeyContext
{
    /// <summary>Everybody who uses the product.</summary>
    public new DbSet<User> Users => Set<User>();

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

    /// <summary>Who may sign in.</summary>
    public DbSet<Account> Accounts => Set<Account>();

    /// <summary>The browsers that are signed in.</summary>
    public DbSet<Session> Sessions => Set<Session>();

    /// <summary>Who did what; rows are only ever added.</summary>
    public DbSet<AuditEntry> AuditLog => Set<AuditEntry>();

    /// <summary>Widgets that live on other sites.</summary>
    public DbSet<Embed> Embeds => Set<Embed>();

    /// <summary>What owners wrote about users.</summary>
    public DbSet<UserNote> UserNotes => Set<UserNote>();

    /// <summary>Decisions that were carried out, so that none is twice.</summary>
    public DbSet<TakenDecision> TakenDecisions => Set<TakenDecision>();

    /// <summary>When owners want to be told.</summary>
    public DbSet<AlertRule> AlertRules => Set<AlertRule>();

    /// <summary>What they were told, or are to be.</summary>
    public DbSet<Alert> Alerts => Set<Alert>();

    /// <summary>What is posted to webhooks.</summary>
    public DbSet<AlertDelivery> AlertDeliveries => Set<AlertDelivery>();

    /// <summary>Filters that people have given names.</summary>
    public DbSet<SavedView> SavedViews => Set<SavedView>();

    /// <summary>Applications that write over HTTP.</summary>
    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    /// <summary>Rows that came over HTTP with ids of their own.</summary>
    public DbSet<IngestedId> IngestedIds => Set<IngestedId>();

    /// <summary>Requests that were carried out under an <c>Idempotency-Key</c>.</summary>
    public DbSet<IngestedRequest> IngestedRequests => Set<IngestedRequest>();

    /// <summary>The keys that cookies are protected with, for all instances.</summary>
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.HasPostgresExtension("pg_trgm").ApplyConfigurationsFromAssembly(typeof(UsageDbContext).Assembly);
    }
}
