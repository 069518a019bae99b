namespace UsageLogsSite.Data;

/// <summary>Where a credit purchase stands; stored in lower case. Only <see cref="Completed"/> counts as revenue.</summary>
public enum PurchaseStatus
{
    /// <summary>Started, not paid yet.</summary>
    Pending,

    /// <summary>Paid: counts as revenue and lights the user's green dot.</summary>
    Completed,

    /// <summary>The payment was refused.</summary>
    Failed,

    /// <summary>Paid, and paid back: no longer revenue.</summary>
    Refunded,
}
