namespace UsageLogsSite.Data;

/// <summary>A filter of <c>/usage</c> that somebody has given a name. It belongs to their account, and goes with it.</summary>
public sealed class SavedView
{
    /// <summary>The longest <see cref="Name"/>, in UTF-16 code units.</summary>
    public const int LongestName = 60;

    /// <summary>The longest <see cref="Query"/>, in characters: more than any canonical one needs.</summary>
    public const int LongestQuery = 4_000;

    /// <summary>The view's id.</summary>
    public Guid Id { get; set; }

    /// <summary>Whose it is; nobody else sees it.</summary>
    public Guid AccountId { get; set; }

    /// <summary>What they call it; never empty.</summary>
    public required string Name { get; set; }

    /// <summary>The name in upper case: an account has each once.</summary>
    public required string NormalizedName { get; set; }

    /// <summary>The canonical query of the page's first page, with its question mark; may be empty.</summary>
    public required string Query { get; set; }

    /// <summary>When it was first saved, in UTC.</summary>
    public DateTime CreatedAt { get; set; }
}
