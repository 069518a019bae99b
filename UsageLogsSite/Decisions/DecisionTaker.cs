using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Access;
using UsageLogsSite.Attach;
using UsageLogsSite.Data;

namespace UsageLogsSite.Decisions;

/// <summary>
/// Carries decisions out, each once: the sender makes a key for it, and the change, the key and the line in the audit log are one transaction
/// (the Idempotency-Key header field, draft-ietf-httpapi-idempotency-key-header, as a form's field). Whoever never saw the answer can so send it again.
/// </summary>
internal sealed class DecisionTaker(IDbContextFactory<UsageDbContext> contexts)
{
    private const int LongestDetail = 500;

    /// <summary>Carries a decision out.</summary>
    /// <param name="http">The owner's request.</param>
    /// <param name="visitor">The owner.</param>
    /// <param name="decision">What is decided.</param>
    /// <param name="key">Its key; null from a browser without a script, which sends nothing again by itself.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses; whether it was carried out is not known, the key tells.</exception>
    internal async Task<Outcome> TakeAsync(HttpContext http, Visitor visitor, Decision decision, Guid? key, CancellationToken cancellation)
    {
        try
        {
            return await TryAsync(http, visitor, decision, key ?? Guid.NewGuid(), cancellation);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: Mirror.IsCopy } refused)
        {
            return Outcome.Refused(refused.MessageText);
        }
        catch (DbUpdateConcurrencyException)
        {
            // Changed between the look and the change: the second look tells what it is now.
            return await TryAsync(http, visitor, decision, key ?? Guid.NewGuid(), cancellation);
        }
    }

    private async Task<Outcome> TryAsync(HttpContext http, Visitor visitor, Decision decision, Guid key, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        var what = decision.Hash();

        // Who sends the same at the same time waits here until the other has ended.
        var isNew = await database.Database.ExecuteSqlAsync(
            $"INSERT INTO decisions (key, account_id, what) VALUES ({key}, {visitor.AccountId}, {what}) ON CONFLICT DO NOTHING", cancellation) > 0;
        if (!isNew)
            return await RepeatAsync(database, visitor, key, what, cancellation);

        var outcome = await decision.ApplyAsync(database, visitor.Email, cancellation);
        if (outcome.Kind != OutcomeKind.Done)
            return outcome;
        database.AuditLog.Add(new AuditEntry
        {
            AccountId = visitor.AccountId,
            Who = visitor.Email,
            Action = decision.Action,
            Subject = decision.UserId.ToString(),
            Detail = StoredText.Of(outcome.Text, LongestDetail),
            Address = ClientId.AddressOf(http),
        });
        await database.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return outcome;
    }

    private static async Task<Outcome> RepeatAsync(UsageDbContext database, Visitor visitor, Guid key, byte[] what, CancellationToken cancellation)
    {
        var taken = await database.TakenDecisions.SingleAsync(d => d.Key == key, cancellation);
        return taken.AccountId == visitor.AccountId && taken.What.AsSpan().SequenceEqual(what)
            ? Outcome.Done("This was carried out already.")
            : Outcome.Refused("The key of this decision belongs to another one: nothing is done.");
    }
}
