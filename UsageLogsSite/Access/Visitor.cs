using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>Somebody who is signed in, in one browser.</summary>
/// <param name="SessionId">Names the session in the table <c>sessions</c>, in base64; it cannot be signed in with.</param>
/// <param name="AccountId">Whose session it is.</param>
/// <param name="Email">The account's e-mail address.</param>
/// <param name="Role">What the account may see and do.</param>
/// <param name="UserId">Whose usage a member sees; null for the others, and for a member who sees nothing.</param>
/// <param name="Expires">When the session ends by itself.</param>
internal sealed record Visitor(string SessionId, Guid AccountId, string Email, AccountRole Role, Guid? UserId, DateTimeOffset Expires)
{
    /// <summary>What they may see; a member without a user sees nothing.</summary>
    internal Scope Scope => Role != AccountRole.Member ? Scope.Everything : UserId is { } own ? Scope.Of(own) : Scope.Nothing;
}
