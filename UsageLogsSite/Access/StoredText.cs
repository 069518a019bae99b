namespace UsageLogsSite.Access;

/// <summary>Text that somebody chose, as PostgreSQL can keep it.</summary>
internal static class StoredText
{
    /// <summary>The beginning of a text, cut between characters; what PostgreSQL's text cannot hold is replaced.</summary>
    /// <param name="text">Whatever was sent.</param>
    /// <param name="longest">UTF-16 code units at most.</param>
    internal static string Of(string text, int longest)
    {
        var length = Math.Min(text.Length, longest);
        if (length > 0 && length < text.Length && char.IsHighSurrogate(text[length - 1]))
            length--;
        return text[..length].Replace('\0', '\uFFFD');
    }
}
