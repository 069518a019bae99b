namespace UsageLogsSite.Access;

/// <summary>The sessions that streams are open for, by account.</summary>
internal sealed class HeldSessions(SessionStore sessions, TimeProvider time, ILogger<HeldSessions> logger) : HeldStreams<Visitor>(time, logger)
{
    /// <inheritdoc />
    protected override Guid GroupOf(Visitor grant) => grant.AccountId;

    /// <inheritdoc />
    protected override DateTimeOffset? EndOf(Visitor grant) => grant.Expires;

    /// <inheritdoc />
    protected override async Task<IReadOnlyList<Visitor?>> LookUpAsync(IReadOnlyList<Visitor> grants, CancellationToken cancellation)
    {
        var ids = grants.Select(visitor => visitor.SessionId).Distinct().Select(Convert.FromBase64String).ToArray();
        var found = await sessions.FindAsync(ids, cancellation);
        return [.. grants.Select(visitor =>
            found.GetValueOrDefault(visitor.SessionId) is { } current && current.Role == visitor.Role && current.UserId == visitor.UserId ? current : null)];
    }
}
