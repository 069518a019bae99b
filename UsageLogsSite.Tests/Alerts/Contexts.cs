using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>Contexts of the role that the site's own have.</summary>
internal sealed class Contexts(Databases databases) : IDbContextFactory<UsageDbContext>
{
    public UsageDbContext CreateDbContext() => UsageDatabase.CreateContext(databases.Admin);
}
