namespace UsageLogsSite.Data;

/// <summary>
/// A widget that lives on other sites. What it shows is fixed when it is made: afterwards it can only be revoked. It is either for everybody
/// who has its token, or for each viewer on their own: then the site around it signs who that is.
/// </summary>
public sealed class Embed
{
    /// <summary>The longest <see cref="Name"/>.</summary>
    public const int LongestName = 100;

    /// <summary>The embed's id; it opens nothing.</summary>
    public Guid Id { get; set; }

    /// <summary>What the widget is called; its readers see it.</summary>
    public string Name { get; set; } = "";

    /// <summary>SHA-256 of the token in its address: who reads this table cannot use it. Null for one for each viewer.</summary>
    public byte[]? TokenHash { get; set; }

    /// <summary>What viewers' tokens are signed with, encrypted with a key that is not in this table. Null for one for everybody.</summary>
    public byte[]? Secret { get; set; }

    /// <summary>Whether each viewer sees their own usage.</summary>
    public bool IsPerViewer => Secret is not null;

    /// <summary>What of the list of users, or of one user's usage, it shows: a canonical query of that page, with its question mark; may be empty.</summary>
    public string Filter { get; set; } = "";

    /// <summary>The one user whose usage it shows; null for the list of users, and for one for each viewer.</summary>
    public Guid? UserId { get; set; }

    /// <summary>The names of the columns that it shows beside who or when.</summary>
    public string[] Columns { get; set; } = [];

    /// <summary>Its colours.</summary>
    public EmbedTheme Theme { get; set; }

    /// <summary>The origins (<c>https://host[:port]</c>) whose pages may frame it; none: it can only be opened by itself.</summary>
    public string[] Origins { get; set; } = [];

    /// <summary>When it ends, in UTC; null for never.</summary>
    public DateTime? ExpiresAt { get; set; }

    /// <summary>When it was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>The account that made it; null for the command line.</summary>
    public Guid? CreatedBy { get; set; }

    /// <summary>When it was revoked, in UTC; null if it was not.</summary>
    public DateTime? RevokedAt { get; set; }
}
