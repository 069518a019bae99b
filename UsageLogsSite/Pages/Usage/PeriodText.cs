using System.Globalization;
using UsageLogsSite.Filters;
using UsageLogsSite.Pages.Shared;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>Periods, their days and their changes in words.</summary>
internal static class PeriodText
{
    /// <summary>How many months are offered by name.</summary>
    private const int RecentMonths = 12;

    /// <summary>What a reader can choose between: those with a name, the last months, and what is chosen already.</summary>
    /// <param name="today">The calendar day in the reporting time zone.</param>
    /// <param name="chosen">The filter's period.</param>
    internal static IEnumerable<UsagePeriod> Offered(DateOnly today, UsagePeriod chosen) =>
        UsagePeriod.Named
            .Concat(Enumerable.Range(0, RecentMonths).Select(ago => UsagePeriod.OfMonth(today.AddMonths(-ago))))
            .Append(chosen)
            .Distinct();

    /// <summary>A period in a list of choices: <c>Last 7 days</c>, <c>March 2026</c>.</summary>
    internal static string Title(UsagePeriod period) => period.Kind switch
    {
        PeriodKind.Today => "Today",
        PeriodKind.Last7Days => "Last 7 days",
        PeriodKind.Last30Days => "Last 30 days",
        PeriodKind.ThisMonth => "This month",
        PeriodKind.LastMonth => "Last month",
        PeriodKind.Month => period.Month!.Value.ToString("MMMM yyyy", CultureInfo.InvariantCulture),
        _ => "All time",
    };

    /// <summary>Days as people write them: <c>1 – 31 Mar 2026</c>, <c>29 Dec 2025 – 4 Jan 2026</c>.</summary>
    internal static string Dates(DateRange days)
    {
        var first = days.First.Year != days.Last.Year ? "d MMM yyyy" : days.First.Month != days.Last.Month ? "d MMM" : "%d";
        var last = days.Last.ToString("d MMM yyyy", CultureInfo.InvariantCulture);
        return days.Length == 1 ? last : $"{days.First.ToString(first, CultureInfo.InvariantCulture)} – {last}";
    }

    /// <summary>A change as a figure: <c>↑ +12 %</c>.</summary>
    internal static string Figure(UsageChangeOf change) => change switch
    {
        { IsNew: true } => "new",
        { Percent: 0 } => "± 0 %",
        { Percent: > 0 } => $"↑ +{Format.Count(change.Percent)} %",
        _ => $"↓ −{Format.Count(-change.Percent)} %",
    };

    /// <summary>A change as a sentence's part: <c>12 % more than in the 7 days before</c>.</summary>
    internal static string Sentence(UsageChangeOf change, string before) => change switch
    {
        { IsNew: true } => $"none {before}",
        { Percent: 0 } => $"as much as {before}",
        { Percent: > 0 } => $"{Format.Count(change.Percent)} % more than {before}",
        _ => $"{Format.Count(-change.Percent)} % less than {before}",
    };
}
