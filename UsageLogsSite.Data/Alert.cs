namespace UsageLogsSite.Data;

/// <summary>That a rule has become true, and until when. A rule has one open alert at most for each user, or for itself.</summary>
public sealed class Alert
{
    /// <summary>The alert's id.</summary>
    public Guid Id { get; set; }

    /// <summary>Its rule; alerts go with it.</summary>
    public Guid RuleId { get; set; }

    /// <summary>The user whom it is about; null where a rule adds up many users.</summary>
    public Guid? UserId { get; set; }

    /// <summary>The value that was seen, in the unit of the rule's kind; for a first payment what was paid so far, in US dollars.</summary>
    public decimal Value { get; set; }

    /// <summary>When it became true, as it was noticed, in UTC.</summary>
    public DateTime FiredAt { get; set; }

    /// <summary>When it was false again, as it was noticed, in UTC; null while it is true.</summary>
    public DateTime? ClearedAt { get; set; }

    /// <summary>It was true when its rule was made or switched on: nobody is told.</summary>
    public bool IsKnown { get; set; }
}
