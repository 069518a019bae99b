namespace UsageLogsSite.Data;

/// <summary>How an AI response ended; stored in lower case.</summary>
public enum UsageLogStatus
{
    /// <summary>The response was delivered.</summary>
    Succeeded,

    /// <summary>The response failed; it still counts as a request.</summary>
    Failed,
}
