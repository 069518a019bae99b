namespace UsageLogsSite.Access;

/// <summary>Addresses that a request names to be led to: only those of this site are followed.</summary>
internal static class LocalAddress
{
    /// <summary>The address if it stays on this site, else another.</summary>
    /// <param name="address">What was asked for; null for nothing.</param>
    /// <param name="otherwise">Where to go instead.</param>
    internal static string Or(string? address, string otherwise) => Is(address) ? address! : otherwise;

    // Browsers take a backslash for a slash, drop tabs and line breaks, and read two slashes as another host; a header holds only ASCII.
    private static bool Is(string? address) =>
        address is ['/', ..] and not ['/', '/' or '\\', ..] && address.Length <= 2_048 && address.All(c => char.IsAscii(c) && !char.IsControl(c) && c != '\\');
}
