namespace UsageLogsSite.Data;

/// <summary>What an owner of the site wrote about a user; members never see it. Notes are added, and go with their user.</summary>
public sealed class UserNote
{
    /// <summary>The longest <see cref="Text"/>, in characters.</summary>
    public const int LongestText = 2_000;

    /// <summary>The note's id.</summary>
    public Guid Id { get; set; }

    /// <summary>The user it is about.</summary>
    public Guid UserId { get; set; }

    /// <summary>What it says; never empty.</summary>
    public required string Text { get; set; }

    /// <summary>The e-mail address of the account that wrote it, as it was then.</summary>
    public required string Who { get; set; }

    /// <summary>When it was written, in UTC.</summary>
    public DateTime CreatedAt { get; set; }
}
