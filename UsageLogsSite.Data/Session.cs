namespace UsageLogsSite.Data;

/// <summary>A browser that is signed in. Without its row the browser's cookie opens nothing.</summary>
public sealed class Session
{
    /// <summary>SHA-256 of the key that the cookie carries: who reads this table cannot use it.</summary>
    public required byte[] Id { get; set; }

    /// <summary>Who has signed in.</summary>
    public Guid AccountId { get; set; }

    /// <summary>When, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>Until when it lasts, in UTC.</summary>
    public DateTime ExpiresAt { get; set; }

    /// <summary>What the browser calls itself, cut to 200 characters; may be empty.</summary>
    public string Device { get; set; } = "";

    /// <summary>The address it signed in from.</summary>
    public string Address { get; set; } = "";
}
