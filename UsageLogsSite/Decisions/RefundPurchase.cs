using System.Globalization;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Decisions;

/// <summary>Marks a completed purchase as refunded: it leaves revenue, and its credits the balance. No money is moved.</summary>
/// <param name="UserId">The user who bought.</param>
/// <param name="PurchaseId">The purchase.</param>
/// <param name="Version">The version of its row that the owner saw.</param>
internal sealed record RefundPurchase(Guid UserId, Guid PurchaseId, uint Version) : Decision(UserId)
{
    /// <inheritdoc />
    internal override AuditAction Action => AuditAction.RefundedPurchase;

    /// <inheritdoc />
    internal override async Task<Outcome> ApplyAsync(UsageDbContext database, string who, CancellationToken cancellation)
    {
        var purchase = await database.CreditPurchases.AsTracking().SingleOrDefaultAsync(p => p.Id == PurchaseId && p.UserId == UserId, cancellation);
        if (purchase is null)
            return Outcome.Refused("This purchase is gone.");
        var amount = "$" + purchase.AmountUsd.ToString("0.00", CultureInfo.InvariantCulture);
        if (purchase.Status == PurchaseStatus.Refunded)
            return Outcome.Done($"The purchase of {amount} was refunded already.");
        if (purchase.Version != Version)
            return Outcome.Conflict($"The purchase was changed meanwhile: it is {Names.Of(purchase.Status)} now, of {amount}.", purchase.Version);
        if (purchase.Status != PurchaseStatus.Completed)
            return Outcome.Refused($"Only a completed purchase can be refunded; this one is {Names.Of(purchase.Status)}.");
        purchase.Status = PurchaseStatus.Refunded;
        await database.SaveChangesAsync(cancellation);
        return Outcome.Done($"The purchase of {amount} is refunded.");
    }
}
