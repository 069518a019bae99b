namespace UsageLogsSite.Data;

/// <summary>A user's purchase of credits.</summary>
public sealed class CreditPurchase
{
    /// <summary>The purchase's id; the database makes one when none is given.</summary>
    public Guid Id { get; set; }

    /// <summary>The user who buys.</summary>
    public Guid UserId { get; set; }

    /// <summary>The price in US dollars; never negative.</summary>
    public decimal AmountUsd { get; set; }

    /// <summary>Credits bought; never negative.</summary>
    public decimal Credits { get; set; }

    /// <summary>Where the purchase stands.</summary>
    public PurchaseStatus Status { get; set; }

    /// <summary>When the purchase was started, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>Another number after each change of the row: PostgreSQL's <c>xmin</c>.</summary>
    public uint Version { get; private set; }
}
