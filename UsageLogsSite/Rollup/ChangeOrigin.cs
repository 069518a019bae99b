using System.Diagnostics;
using System.Globalization;

namespace UsageLogsSite.Rollup;

/// <summary>Where a change hint comes from, as far as telemetry wants to know: it travels behind the hint, and nothing is decided by it.</summary>
/// <param name="Since">When the oldest change of it can have been committed, by the clock of the instance that folded; null if unknown.</param>
/// <param name="Trace">The span of its fold; default if nobody traces.</param>
internal readonly record struct ChangeOrigin(DateTimeOffset? Since, ActivityContext Trace)
{
    /// <summary>Stands between a hint and its origin. Who reads hints as they were before origins takes it to be about everybody.</summary>
    internal const char Separator = '@';

    /// <summary>Anybody may send hints: what is older was not told by a fold.</summary>
    private static readonly TimeSpan Oldest = TimeSpan.FromHours(1);

    /// <summary>What is added to a hint.</summary>
    internal string Text
    {
        get
        {
            var trace = Trace == default ? "" : $"00-{Trace.TraceId}-{Trace.SpanId}-{(byte)Trace.TraceFlags:x2}";
            return string.Create(CultureInfo.InvariantCulture, $"{Separator}{Since?.ToUnixTimeMilliseconds()}{Separator}{trace}");
        }
    }

    /// <summary>Reads what stands behind a hint's separator; whatever cannot be read or believed is left out.</summary>
    /// <param name="text">Milliseconds since 1970, the separator and a trace parent (W3C Trace Context, section 3.2), each perhaps empty.</param>
    /// <param name="now">The time.</param>
    internal static ChangeOrigin Parse(string text, DateTimeOffset now)
    {
        var end = text.IndexOf(Separator, StringComparison.Ordinal);
        ActivityContext.TryParse(end < 0 ? null : text[(end + 1)..], traceState: null, isRemote: true, out var trace);
        var isKnown = long.TryParse(end < 0 ? text : text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        DateTimeOffset? since = isKnown ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
        return new ChangeOrigin(now - since < Oldest ? since : null, trace);
    }
}
