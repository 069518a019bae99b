namespace UsageLogsSite.Data;

/// <summary>An alert, or a test, that is to be posted to a rule's webhook: made with the alert, in one transaction.</summary>
public sealed class AlertDelivery
{
    /// <summary>The longest <see cref="Problem"/>, in characters.</summary>
    public const int LongestProblem = 200;

    /// <summary>The delivery's id, the same at each attempt: receivers know by it what they have seen.</summary>
    public Guid Id { get; set; }

    /// <summary>The rule whose webhook it goes to.</summary>
    public Guid RuleId { get; set; }

    /// <summary>The alert; null for a test.</summary>
    public Guid? AlertId { get; set; }

    /// <summary>When it was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>When it is tried next, in UTC; null once it has arrived or was given up.</summary>
    public DateTime? NextAttemptAt { get; set; }

    /// <summary>How often it was tried.</summary>
    public int Attempts { get; set; }

    /// <summary>The HTTP status of the last answer; null if there was none.</summary>
    public int? LastStatus { get; set; }

    /// <summary>Why the last attempt failed, for people; null if it did not.</summary>
    public string? Problem { get; set; }

    /// <summary>When the receiver accepted it, in UTC; null if it has not.</summary>
    public DateTime? DeliveredAt { get; set; }
}
