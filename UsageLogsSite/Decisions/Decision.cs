using System.Security.Cryptography;
using System.Text;
using UsageLogsSite.Data;

namespace UsageLogsSite.Decisions;

/// <summary>What an owner decides about a user or a row of theirs. Its text says all of it: two decisions with one text are the same.</summary>
/// <param name="UserId">The user it is about.</param>
internal abstract record Decision(Guid UserId)
{
    /// <summary>How the audit log calls it.</summary>
    internal abstract AuditAction Action { get; }

    /// <summary>Carries it out in the transaction of the context.</summary>
    /// <param name="database">The database; what is saved counts with everything else of the decision, or not at all.</param>
    /// <param name="who">The e-mail address of the owner.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="Microsoft.EntityFrameworkCore.DbUpdateConcurrencyException">The row changed in the very moment.</exception>
    internal abstract Task<Outcome> ApplyAsync(UsageDbContext database, string who, CancellationToken cancellation);

    /// <summary>SHA-256 of all that is decided.</summary>
    internal byte[] Hash() => SHA256.HashData(Encoding.UTF8.GetBytes(ToString()));
}
