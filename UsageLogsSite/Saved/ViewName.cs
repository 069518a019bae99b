using System.Globalization;
using System.Text;
using UsageLogsSite.Data;

namespace UsageLogsSite.Saved;

/// <summary>What somebody calls a view.</summary>
internal static class ViewName
{
    /// <summary>A name as it is kept: in one line, and without what turns the direction of the text around it.</summary>
    /// <param name="typed">What was typed.</param>
    /// <exception cref="FormatException">Nothing is left of it, or it is too long; the message says what is allowed.</exception>
    internal static string Of(string? typed)
    {
        var clean = new StringBuilder();
        foreach (var rune in (typed ?? "").EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
                clean.Append(clean.Length > 0 && clean[^1] != ' ' ? " " : "");
            else if (!TurnsDirection(rune))
                clean.Append(rune);
        }

        var name = clean.ToString().Trim();
        return name.EnumerateRunes().Any(IsSeen) && name.Length <= SavedView.LongestName
            ? name
            : throw new FormatException($"A view needs a name of at most {SavedView.LongestName} characters.");
    }

    /// <summary>What two names have in common that differ in case only.</summary>
    internal static string Normalize(string name) => name.ToUpperInvariant();

    /// <summary>The marks, embeddings, overrides and isolates of the Unicode Bidirectional Algorithm (UAX #9, section 2).</summary>
    private static bool TurnsDirection(Rune rune) => rune.Value is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    private static bool IsSeen(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned);
}
