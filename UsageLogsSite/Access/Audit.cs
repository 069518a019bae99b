using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>Writes down who did what.</summary>
/// <param name="contexts">Makes contexts.</param>
internal sealed class Audit(IDbContextFactory<UsageDbContext> contexts)
{
    /// <summary>Adds an entry.</summary>
    internal async Task WriteAsync(HttpContext http, Visitor? visitor, AuditAction action, string subject, string detail, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        database.AuditLog.Add(new AuditEntry
        {
            AccountId = visitor?.AccountId,
            Who = visitor?.Email ?? "",
            Action = action,
            Subject = subject,
            Detail = detail,
            Address = ClientId.AddressOf(http),
        });
        await database.SaveChangesAsync(cancellation);
    }
}
