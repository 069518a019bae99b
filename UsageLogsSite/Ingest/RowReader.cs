using System.Text.Json;

namespace UsageLogsSite.Ingest;

/// <summary>
/// Reads one row. By hand and not by a serializer's contract: that ends at the first value that is wrong, and a sender is told of all of
/// them, in all rows, with what would be right.
/// </summary>
/// <param name="kind">What the rows are.</param>
/// <param name="errors">Takes what is wrong.</param>
/// <param name="now">The time, in UTC.</param>
internal sealed class RowReader(RowKind kind, RowErrors errors, DateTime now)
{
    /// <summary>The longest id that a sender may give, in characters.</summary>
    internal const int LongestId = 100;

    /// <summary>What an id may be.</summary>
    internal const string AllowedId = "a text of 1 to 100 characters, none of them NUL";

    /// <summary>What a user's id may be.</summary>
    internal const string AllowedUser = "the id of a user, a UUID such as \"01975f6e-5e5a-7c43-9a77-0d1f5c1f3f11\"";

    /// <summary>What a time may be.</summary>
    internal const string AllowedTime = "a time with its offset from UTC, as in \"2026-11-24T09:30:00Z\", from 1970 to a day from now";

    private const int LongestName = 50;

    private static readonly DateTime FirstTime = DateTime.UnixEpoch;

    /// <summary>Clocks differ a little; one that differs more spoils what is ordered by time.</summary>
    private static readonly TimeSpan MostAhead = TimeSpan.FromDays(1);

    private readonly string _allowedFields = string.Join(", ", new[] { "id", "user_id", "created_at" }.Concat(kind.Fields.Select(field => field.Name)));
    private readonly bool[] _seen = new bool[kind.Fields.Count];

    /// <summary>Reads the row that the reader is at the beginning of.</summary>
    /// <param name="reader">At the object's first token; past it afterwards.</param>
    /// <param name="index">Which row of the body.</param>
    /// <param name="line">The line it begins on.</param>
    /// <returns>The row; null if something is wrong with it, which the errors then tell.</returns>
    /// <exception cref="JsonException">This is no JSON.</exception>
    internal IngestRow? Read(ref Utf8JsonReader reader, int index, long line)
    {
        errors.Row = (index, line);
        var before = errors.Count;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            errors.Add(field: null, $"This row is {Describe(reader.TokenType)}.", "an object with the fields " + _allowedFields);
            reader.TrySkip(); // all of the row is there: it always can
            return null;
        }

        Array.Clear(_seen);
        var row = new IngestRow(index, line, new object[kind.Fields.Count]);
        var seen = default(Common);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            ReadField(ref reader, row, ref seen);
        Complete(row, seen);
        return errors.Count == before ? row : null;
    }

    private void ReadField(ref Utf8JsonReader reader, IngestRow row, ref Common seen)
    {
        if (TryMatch(ref reader, "id"u8))
            ReadCommon(ref reader, "id", ref seen.Id, row, TryId, AllowedId);
        else if (TryMatch(ref reader, "user_id"u8))
            ReadCommon(ref reader, "user_id", ref seen.UserId, row, TryUser, AllowedUser);
        else if (TryMatch(ref reader, "created_at"u8))
            ReadCommon(ref reader, "created_at", ref seen.CreatedAt, row, TryTime, AllowedTime);
        else if (FindField(ref reader) is var field and >= 0)
            ReadOwn(ref reader, row, field);
        else
            RefuseField(ref reader);
    }

    private void ReadOwn(ref Utf8JsonReader reader, IngestRow row, int number)
    {
        var field = kind.Fields[number];
        reader.Read();
        if (_seen[number])
        {
            RefuseSecond(ref reader, field.Name);
            return;
        }

        if (reader.TokenType == JsonTokenType.Null && field.Default is not null)
            return;
        _seen[number] = true;
        var isAllowed = false;
        try
        {
            isAllowed = field.Read(ref reader, out row.Values[number]);
        }
        catch (InvalidOperationException)
        {
            // A text that is none: reported as any other value that is not allowed.
        }

        if (!isAllowed)
            Refuse(ref reader, field.Name, field.Allowed);
    }

    private void ReadCommon(ref Utf8JsonReader reader, string name, ref bool seen, IngestRow row, TryRead read, string allowed)
    {
        reader.Read();
        if (seen)
        {
            RefuseSecond(ref reader, name);
            return;
        }

        seen = true;
        if (reader.TokenType == JsonTokenType.Null && name != "user_id")
        {
            seen = false;
            return;
        }

        var isAllowed = false;
        try
        {
            isAllowed = read(ref reader, row);
        }
        catch (InvalidOperationException)
        {
            // A text that is none: reported as any other value that is not allowed.
        }

        if (!isAllowed)
            Refuse(ref reader, name, allowed);
    }

    private void Complete(IngestRow row, Common seen)
    {
        if (!seen.UserId)
            errors.Add("user_id", "It is missing.", AllowedUser);
        if (!seen.CreatedAt)
            row.CreatedAt = now;
        for (var i = 0; i < _seen.Length; i++)
        {
            if (_seen[i])
                continue;
            if (kind.Fields[i].Default is { } value)
                row.Values[i] = value;
            else
                errors.Add(kind.Fields[i].Name, "It is missing.", kind.Fields[i].Allowed);
        }
    }

    private int FindField(ref Utf8JsonReader reader)
    {
        for (var i = 0; i < kind.Fields.Count; i++)
        {
            if (TryMatch(ref reader, kind.Fields[i].Utf8Name))
                return i;
        }

        return -1;
    }

    private void RefuseField(ref Utf8JsonReader reader)
    {
        string name;
        try
        {
            name = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            name = "\uFFFD";
        }

        errors.Add(name.Length > LongestName ? string.Concat(name.AsSpan(0, LongestName), "…") : name, "There is no such field.", _allowedFields);
        reader.Read();
        reader.TrySkip();
    }

    private void RefuseSecond(ref Utf8JsonReader reader, string name)
    {
        errors.Add(name, "It is given twice.", "each field once");
        reader.TrySkip();
    }

    private void Refuse(ref Utf8JsonReader reader, string name, string allowed)
    {
        errors.Add(name, $"This value is not allowed: it is {Describe(reader.TokenType)}.", allowed);
        reader.TrySkip();
    }

    private static bool TryMatch(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false; // a name that is no text
        }
    }

    private static bool TryId(ref Utf8JsonReader reader, IngestRow row)
    {
        var isAllowed = RowField.TryText(ref reader, LongestId, out var id);
        row.GivenId = id;
        return isAllowed;
    }

    private static bool TryUser(ref Utf8JsonReader reader, IngestRow row)
    {
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetGuid(out var id))
            return false;
        row.UserId = id;
        return true;
    }

    private bool TryTime(ref Utf8JsonReader reader, IngestRow row)
    {
        // Without an offset it would be taken for the server's time.
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetDateTime(out var any) || any.Kind == DateTimeKind.Unspecified || !reader.TryGetDateTimeOffset(out var time))
            return false;
        row.CreatedAt = time.UtcDateTime;
        return row.CreatedAt >= FirstTime && row.CreatedAt <= now + MostAhead;
    }

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a text",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "true or false",
    };

    private delegate bool TryRead(ref Utf8JsonReader reader, IngestRow row);

    /// <summary>Which of the fields that all kinds have were given.</summary>
    private struct Common
    {
        internal bool Id;
        internal bool UserId;
        internal bool CreatedAt;
    }
}
