namespace UsageLogsSite.Access;

/// <summary>
/// What somebody may see. It is part of every key that content is remembered by, so that nothing made for one can reach another, and it
/// chooses the database role that reads: PostgreSQL's row-level security, not this, is what holds.
/// </summary>
/// <param name="UserId">The one user whose usage may be seen; null for everybody's.</param>
internal readonly record struct Scope(Guid? UserId)
{
    /// <summary>Everybody's usage: owners and analysts.</summary>
    internal static readonly Scope Everything = new(null);

    /// <summary>Nobody's usage: members who are linked to no user. The id of all zeros stands for it, whoever has it in the database.</summary>
    internal static readonly Scope Nothing = new(Guid.Empty);

    /// <summary>One user's own usage: members.</summary>
    internal static Scope Of(Guid userId) => new(userId);
}
