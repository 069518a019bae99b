namespace UsageLogsSite.Data;

/// <summary>When owners want to be told, and how. What it watches stays; all else can be changed, and it can be switched off and on, and removed.</summary>
public sealed class AlertRule
{
    /// <summary>The longest <see cref="Name"/>, in characters.</summary>
    public const int LongestName = 100;

    /// <summary>The longest <see cref="WebhookUrl"/>, in characters.</summary>
    public const int LongestUrl = 2_000;

    /// <summary>The rule's id.</summary>
    public Guid Id { get; set; }

    /// <summary>What its owner calls it.</summary>
    public required string Name { get; set; }

    /// <summary>What it watches.</summary>
    public AlertKind Kind { get; set; }

    /// <summary>Whose users; null for all, or where there is a <see cref="UserId"/>.</summary>
    public UserType? UserType { get; set; }

    /// <summary>The one user whom it watches; null for many.</summary>
    public Guid? UserId { get; set; }

    /// <summary>The value from which on (or below which) it is true, in the unit of <see cref="Kind"/>.</summary>
    public decimal Threshold { get; set; }

    /// <summary>Where alerts are posted to; null for nowhere.</summary>
    public string? WebhookUrl { get; set; }

    /// <summary>What they are signed with, encrypted by ASP.NET Core Data Protection; null without a webhook.</summary>
    public string? WebhookSecret { get; set; }

    /// <summary>Whether it is looked after.</summary>
    public bool IsEnabled { get; set; }

    /// <summary>When it was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>The account that made it; it may be gone.</summary>
    public Guid? CreatedBy { get; set; }
}
