namespace UsageLogsSite.Data;

/// <summary>A request that was carried out under an <c>Idempotency-Key</c>, and what it was answered.</summary>
public sealed class IngestedRequest
{
    /// <summary>Whose key it is.</summary>
    public string Source { get; set; } = "";

    /// <summary>The header, as it was sent.</summary>
    public string Key { get; set; } = "";

    /// <summary>SHA-256 of the address and the body.</summary>
    public byte[] BodyHash { get; set; } = [];

    /// <summary>How many of its rows were new.</summary>
    public int Inserted { get; set; }

    /// <summary>How many were there before.</summary>
    public int Repeated { get; set; }

    /// <summary>When it came, in UTC.</summary>
    public DateTime At { get; set; }
}
