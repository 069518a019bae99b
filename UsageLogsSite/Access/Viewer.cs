namespace UsageLogsSite.Access;

/// <summary>Who looks at a widget that shows each viewer their own usage, as the site around it has signed.</summary>
/// <param name="UserId">Whose usage they see.</param>
/// <param name="Expires">When their token ends, in UTC.</param>
internal sealed record Viewer(Guid UserId, DateTime Expires);
