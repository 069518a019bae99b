using System.Text;
using System.Text.Json;
using NpgsqlTypes;

namespace UsageLogsSite.Ingest;

/// <summary>A field of a row: what is read, refused, stored and documented all follow from it.</summary>
/// <param name="Name">Its name in JSON, and its column's.</param>
/// <param name="Column">The column's type.</param>
/// <param name="Allowed">What is allowed, for people.</param>
/// <param name="Default">What is stored if it is left out; null for one that must be given.</param>
/// <param name="Read">Reads it from the token that the reader is at.</param>
/// <param name="Schema">How OpenAPI describes it.</param>
internal sealed record RowField(string Name, NpgsqlDbType Column, string Allowed, object? Default, RowField.ReadValue Read, FieldSchema Schema)
{
    private const int AmountDecimals = 10;
    private const decimal AmountEnd = 10_000_000_000m; // numeric(20,10)

    /// <summary>Reads a value that is allowed; false for any other.</summary>
    /// <exception cref="InvalidOperationException">A text is not valid UTF-8 or UTF-16.</exception>
    internal delegate bool ReadValue(ref Utf8JsonReader reader, out object value);

    /// <summary>Its name as it stands in a body.</summary>
    internal byte[] Utf8Name { get; } = Encoding.UTF8.GetBytes(Name);

    /// <summary>The column's type in SQL.</summary>
    internal string SqlType => Column switch
    {
        NpgsqlDbType.Integer => "integer",
        NpgsqlDbType.Numeric => "numeric",
        _ => "text",
    };

    /// <summary>A text that is not empty.</summary>
    internal static RowField Text(string name, int longest, string example) => new(
        name, NpgsqlDbType.Text, $"a text of 1 to {longest} characters, none of them NUL", Default: null,
        (ref Utf8JsonReader reader, out object value) =>
        {
            var isText = TryText(ref reader, longest, out var text);
            value = text;
            return isText;
        },
        new("string", example) { LongestText = longest });

    /// <summary>A number of tokens; 0 if it is left out.</summary>
    internal static RowField Count(string name, int example) => new(
        name, NpgsqlDbType.Integer, $"a whole number from 0 to {int.MaxValue}", Default: 0,
        (ref Utf8JsonReader reader, out object value) =>
        {
            value = 0;
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var number) || number < 0)
                return false;
            value = number;
            return true;
        },
        new("integer", example) { Most = int.MaxValue });

    /// <summary>An amount.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isRequired">Whether it must be given; otherwise it is 0.</param>
    /// <param name="example">One that is allowed.</param>
    internal static RowField Amount(string name, bool isRequired, decimal example) => new(
        name, NpgsqlDbType.Numeric, $"a number from 0 to less than {AmountEnd}, rounded to {AmountDecimals} decimals", isRequired ? null : 0m,
        (ref Utf8JsonReader reader, out object value) =>
        {
            value = 0m;
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDecimal(out var number) || number < 0)
                return false;
            number = decimal.Round(number, AmountDecimals, MidpointRounding.AwayFromZero);
            value = number;
            return number < AmountEnd;
        },
        new("number", example) { End = AmountEnd });

    /// <summary>One of some words; the first if it is left out.</summary>
    internal static RowField OneOf(string name, params string[] words) => new(
        name, NpgsqlDbType.Text, string.Join(" or ", words.Select(word => $"\"{word}\"")), words[0],
        (ref Utf8JsonReader reader, out object value) =>
        {
            value = words[0];
            if (reader.TokenType != JsonTokenType.String)
                return false;
            foreach (var word in words)
            {
                if (reader.ValueTextEquals(word))
                {
                    value = word;
                    return true;
                }
            }

            return false;
        },
        new("string", words[0]) { Words = words });

    /// <summary>Reads a text of at least one character; characters are counted as PostgreSQL does.</summary>
    internal static bool TryText(ref Utf8JsonReader reader, int longest, out string text)
    {
        text = "";
        if (reader.TokenType != JsonTokenType.String)
            return false;
        text = reader.GetString()!;
        return text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal) && (text.Length <= longest || CountRunes(text) <= longest);
    }

    private static int CountRunes(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }
}

/// <summary>How OpenAPI describes a field.</summary>
/// <param name="Type">Its type in JSON.</param>
/// <param name="Example">A value that is allowed.</param>
internal sealed record FieldSchema(string Type, object Example)
{
    /// <summary>The format of a text, such as <c>uuid</c>; null for none.</summary>
    internal string? Format { get; init; }

    /// <summary>The longest text, in characters; null for any.</summary>
    internal int? LongestText { get; init; }

    /// <summary>The largest number that is allowed; null for any.</summary>
    internal int? Most { get; init; }

    /// <summary>The least number that is too large; null for none.</summary>
    internal decimal? End { get; init; }

    /// <summary>All that is allowed; null for no such list.</summary>
    internal IReadOnlyList<string>? Words { get; init; }
}
