using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// Writes who did what. A row that cannot be written is an error in the site's log, and no reason to refuse what was done: whoever could
/// break the audit log must not be able to lock everybody out.
/// </summary>
internal sealed partial class Audit(NpgsqlDataSource source, ILogger<Audit> logger)
{
    private const int LongestText = 500;

    /// <summary>Writes what the visitor of a request did.</summary>
    /// <param name="http">The request; who is signed in is read from it. Null for a command of the operator.</param>
    /// <param name="action">What was done.</param>
    /// <param name="subject">To whom or what: an id; may be empty.</param>
    /// <param name="detail">More for people; never a password or token.</param>
    /// <param name="cancellation">Gives up.</param>
    internal Task WriteAsync(HttpContext? http, AuditAction action, string subject, string detail, CancellationToken cancellation)
    {
        var visitor = http?.Features.Get<Visitor>();
        return WriteAsync(http, visitor?.AccountId, visitor?.Email ?? "", action, subject, detail, cancellation);
    }

    /// <summary>Writes what a visitor did, where the request itself does not know who asks.</summary>
    internal Task WriteAsync(HttpContext http, Visitor visitor, AuditAction action, string subject, string detail, CancellationToken cancellation) =>
        WriteAsync(http, visitor.AccountId, visitor.Email, action, subject, detail, cancellation);

    /// <summary>Writes what somebody did.</summary>
    /// <param name="http">The request; null for a command of the operator.</param>
    /// <param name="account">Whose account it was; null for nobody's.</param>
    /// <param name="who">The e-mail address, or what was typed as one.</param>
    /// <param name="action">What was done.</param>
    /// <param name="subject">To whom or what: an id; may be empty.</param>
    /// <param name="detail">More for people; never a password or token.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task WriteAsync(
        HttpContext? http, Guid? account, string who, AuditAction action, string subject, string detail, CancellationToken cancellation)
    {
        try
        {
            await using var insert = source.CreateCommand(
                "INSERT INTO audit_log (account_id, who, action, subject, detail, address) VALUES ($1, $2, $3, $4, $5, $6)");
            insert.Parameters.Add(new NpgsqlParameter<Guid?> { TypedValue = account });
            insert.Parameters.AddWithValue(Text(who));
            insert.Parameters.AddWithValue(action.ToString());
            insert.Parameters.AddWithValue(Text(subject));
            insert.Parameters.AddWithValue(Text(detail));
            insert.Parameters.AddWithValue(http is null ? "" : ClientId.AddressOf(http));
            await insert.ExecuteNonQueryAsync(cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            LogFailed(logger, action, account, subject, e.Message);
        }
    }

    private static string Text(string text) => StoredText.Of(text, LongestText);

    [LoggerMessage(4003, LogLevel.Error, "Access: the audit log could not be written ({Action} by {Account}, {Subject}): {Reason}")]
    private static partial void LogFailed(ILogger logger, AuditAction action, Guid? account, string subject, string reason);
}
