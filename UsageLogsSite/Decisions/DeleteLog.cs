using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Decisions;

/// <summary>Deletes a usage log, and with it what it added to all sums.</summary>
/// <param name="UserId">The user whose log it is.</param>
/// <param name="LogId">The log.</param>
/// <param name="Version">The version of its row that the owner saw.</param>
internal sealed record DeleteLog(Guid UserId, Guid LogId, uint Version) : Decision(UserId)
{
    /// <inheritdoc />
    internal override AuditAction Action => AuditAction.DeletedLog;

    /// <inheritdoc />
    internal override async Task<Outcome> ApplyAsync(UsageDbContext database, string who, CancellationToken cancellation)
    {
        var log = await database.UsageLogs.FirstOrDefaultAsync(l => l.Id == LogId && l.UserId == UserId, cancellation);
        if (log is null)
            return Outcome.Done("The log was gone already.");
        if (log.Version != Version)
            return Outcome.Conflict($"The log was changed meanwhile: its model is {log.Model} now, with {log.PromptTokens + (long)log.CompletionTokens} tokens.", log.Version);
        database.UsageLogs.Remove(log);
        await database.SaveChangesAsync(cancellation);
        return Outcome.Done("The log is deleted.");
    }
}
