using System.Globalization;

namespace UsageLogsSite.Pages.Shared;

/// <summary>Figures and times as people read them; the exact value stands beside them in the markup.</summary>
internal static class Format
{
    private const string EveryDigit = "0.############################";

    /// <summary>A count with thousands separators: <c>12,345</c>.</summary>
    internal static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Dollars and cents; below a cent, four decimals, so that small costs do not look free.</summary>
    internal static string Dollars(decimal value) =>
        (value is > 0 and < 0.01m ? "$" + value.ToString("0.0000", CultureInfo.InvariantCulture)
            : "$" + value.ToString("N2", CultureInfo.InvariantCulture));

    /// <summary>Credits with two decimals at most.</summary>
    internal static string Credits(decimal value) => value.ToString("#,0.##", CultureInfo.InvariantCulture);

    /// <summary>Every digit, without separators and trailing zeros.</summary>
    internal static string Exact(decimal value) => value.ToString(EveryDigit, CultureInfo.InvariantCulture);

    /// <summary>A size on disk: <c>12.3 MB</c>, in powers of ten.</summary>
    internal static string Bytes(long value) => value switch
    {
        >= 1_000_000_000 => (value / 1e9).ToString("N1", CultureInfo.InvariantCulture) + " GB",
        >= 1_000_000 => (value / 1e6).ToString("N1", CultureInfo.InvariantCulture) + " MB",
        _ => (value / 1e3).ToString("N0", CultureInfo.InvariantCulture) + " kB",
    };

    /// <summary>A time for the <c>datetime</c> attribute: UTC, to the millisecond.</summary>
    internal static string Iso(DateTime utc) => utc.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A calendar day: <c>3 Nov 2026</c>.</summary>
    internal static string Day(DateOnly day) => day.ToString("d MMM yyyy", CultureInfo.InvariantCulture);

    /// <summary>A time in UTC to the second.</summary>
    internal static string UtcSecond(DateTime utc) => utc.ToString("d MMM yyyy, HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A time in UTC, as shown without JavaScript.</summary>
    internal static string Utc(DateTime utc) => utc.ToString("d MMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
