namespace UsageLogsSite.Data;

/// <summary>Who did what: a row that is never changed.</summary>
public sealed class AuditEntry
{
    /// <summary>Later entries have larger numbers; some numbers may be missing.</summary>
    public long Id { get; set; }

    /// <summary>When, in UTC.</summary>
    public DateTime At { get; set; }

    /// <summary>Who did it; null for somebody who is not signed in, or for the site itself.</summary>
    public Guid? AccountId { get; set; }

    /// <summary>The account's e-mail address at that time, or what was typed at a failed sign-in; may be empty.</summary>
    public string Who { get; set; } = "";

    /// <summary>What was done.</summary>
    public AuditAction Action { get; set; }

    /// <summary>To whom or what: the id of a user or account; may be empty.</summary>
    public string Subject { get; set; } = "";

    /// <summary>More about it, for people; never a password or token. May be empty.</summary>
    public string Detail { get; set; } = "";

    /// <summary>The network address it came from; may be empty.</summary>
    public string Address { get; set; } = "";
}
