namespace UsageLogsSite.Queries;

/// <summary>What a question's answer is at one moment: content of one database snapshot.</summary>
/// <param name="Address">Path and query of the page that shows it, canonical.</param>
/// <param name="Version">
/// Names the content: equal on every instance that shows the same, whatever happened in between. It is the stream's event id, the
/// <c>version</c> parameter and, in quotes, the fragment's ETag.
/// </param>
/// <param name="NextExpiry">When, in UTC, time alone changes what is shown, even if no row changes; null if never.</param>
internal abstract record LiveView(string Address, string Version, DateTime? NextExpiry)
{
    /// <summary>The version as an entity tag (RFC 9110, section 8.8.3).</summary>
    public string ETag { get; } = $"\"{Version}\"";

    /// <summary>Number of rows shown.</summary>
    internal abstract int RowCount { get; }
}
