using System.Globalization;

namespace UsageLogsSite.Retention;

/// <summary>How long logs are kept, as in <c>13-months</c>.</summary>
/// <param name="Months">Whole months before the current one; at least 1.</param>
internal readonly record struct RetentionPeriod(int Months)
{
    /// <summary>What a period may look like, for messages.</summary>
    internal const string Allowed = "1-months to 1200-months, such as 13-months";

    private const string Unit = "-months";
    private const int Most = 1200;

    /// <summary>Reads a period.</summary>
    /// <returns>Null for text that is none.</returns>
    internal static RetentionPeriod? Parse(string text) =>
        text.EndsWith(Unit, StringComparison.Ordinal)
        && int.TryParse(text.AsSpan(0, text.Length - Unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var months)
        && months is >= 1 and <= Most
            ? new RetentionPeriod(months)
            : null;

    /// <summary>The beginning of the oldest month that is kept; all in UTC.</summary>
    internal DateTime CutAt(DateTime now)
    {
        var month = Partitions.MonthOf(now);
        var before = (month.Year * 12) + month.Month - 1 - Months;
        return before < 12 ? DateTime.UnixEpoch : new DateTime(before / 12, (before % 12) + 1, 1, 0, 0, 0, DateTimeKind.Utc);
    }

    /// <inheritdoc />
    public override string ToString() => $"{Months}{Unit}";
}
