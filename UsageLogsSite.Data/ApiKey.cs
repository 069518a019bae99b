namespace UsageLogsSite.Data;

/// <summary>What an application proves itself with that writes over HTTP. It can be revoked, and not changed.</summary>
public sealed class ApiKey
{
    /// <summary>The longest <see cref="Name"/> and <see cref="Source"/>, in characters.</summary>
    public const int LongestName = 100;

    /// <summary>The key's id; it opens nothing.</summary>
    public Guid Id { get; set; }

    /// <summary>What people call it.</summary>
    public string Name { get; set; } = "";

    /// <summary>Whose row ids and idempotency keys it uses: those of other sources are not known to it. Several keys may have one source.</summary>
    public string Source { get; set; } = "";

    /// <summary>SHA-256 of the key: who reads this table cannot use it.</summary>
    public byte[] KeyHash { get; set; } = [];

    /// <summary>What it may do, as in <c>usage-logs:write</c>.</summary>
    public string[] Scopes { get; set; } = [];

    /// <summary>When it was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>The account that made it; null for the command line.</summary>
    public Guid? CreatedBy { get; set; }

    /// <summary>When it was last used, in UTC, to the minute or so; null for never.</summary>
    public DateTime? LastUsedAt { get; set; }

    /// <summary>When it was revoked, in UTC; null if it was not.</summary>
    public DateTime? RevokedAt { get; set; }
}
