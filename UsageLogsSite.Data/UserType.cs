namespace UsageLogsSite.Data;

/// <summary>Whom a user belongs to; stored in lower case (<c>internal</c>, <c>external</c>).</summary>
public enum UserType
{
    /// <summary>The operator's own staff and test accounts.</summary>
    Internal,

    /// <summary>A customer.</summary>
    External,
}
