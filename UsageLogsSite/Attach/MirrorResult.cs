namespace UsageLogsSite.Attach;

/// <summary>What comparing one table has shown.</summary>
/// <param name="target">Our table.</param>
/// <param name="source">The product's.</param>
internal sealed class MirrorResult(string target, string source)
{
    internal string Target => target;

    internal string Source => source;

    /// <summary>The product's rows that were compared.</summary>
    internal long Compared { get; set; }

    /// <summary>Keys noted, and not copied yet.</summary>
    internal long Pending { get; set; }

    /// <summary>The number of the last of them; null where there was none.</summary>
    internal long? LastNote { get; set; }

    /// <summary>Rows that could not be copied.</summary>
    internal long Failed { get; set; }

    /// <summary>Rows that differ, and should not.</summary>
    internal long Differences { get; set; }

    /// <summary>A line for each difference, and for the first rows that could not be copied.</summary>
    internal List<string> Lines { get; } = [];
}
