using System.Collections.Concurrent;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// Writes down who looked at whose logs: once for each session and user while it goes on, as an open page looks again with each change.
/// </summary>
internal sealed class ViewedLogs(Audit audit, TimeProvider time)
{
    /// <summary>After this long it is written down again.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(10);

    /// <summary>Then it begins anew: what is forgotten is only written down once more.</summary>
    private const int Remembered = 10_000;

    private readonly ConcurrentDictionary<(string Session, Guid User), long> _written = new();

    /// <summary>Writes it down, before anything is shown.</summary>
    /// <param name="http">The request.</param>
    /// <param name="visitor">Who looks.</param>
    /// <param name="userId">At whose logs.</param>
    /// <param name="email">The user's e-mail address, for people.</param>
    internal Task WriteAsync(HttpContext http, Visitor visitor, Guid userId, string email)
    {
        var key = (visitor.SessionId, userId);
        if (_written.TryGetValue(key, out var at) && time.GetElapsedTime(at) < Again)
            return Task.CompletedTask;
        if (_written.Count >= Remembered)
            _written.Clear();
        _written[key] = time.GetTimestamp();
        return audit.WriteAsync(http, visitor, AuditAction.ViewedLogs, userId.ToString(), email, http.RequestAborted);
    }
}
