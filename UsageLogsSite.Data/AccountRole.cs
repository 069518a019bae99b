namespace UsageLogsSite.Data;

/// <summary>What an account may see and do; stored in lower case.</summary>
public enum AccountRole
{
    /// <summary>Sees their own usage only.</summary>
    Member,

    /// <summary>Sees everything and changes nothing.</summary>
    Analyst,

    /// <summary>Sees and changes everything, accounts included.</summary>
    Owner,
}
