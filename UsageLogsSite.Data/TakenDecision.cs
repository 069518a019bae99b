namespace UsageLogsSite.Data;

/// <summary>A decision that was carried out: whoever sends it again is answered the same, and nothing is done twice.</summary>
public sealed class TakenDecision
{
    /// <summary>The key that the sender made for it.</summary>
    public Guid Key { get; set; }

    /// <summary>The account that took it; nobody else learns of it.</summary>
    public Guid AccountId { get; set; }

    /// <summary>SHA-256 of what was decided: a key belongs to one decision.</summary>
    public required byte[] What { get; set; }

    /// <summary>When it was carried out, in UTC.</summary>
    public DateTime At { get; set; }
}
