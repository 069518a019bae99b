using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>Which days a view of a period shows, and which part of them it compares with which part of the period before.</summary>
internal sealed class PeriodDates
{
    private PeriodDates(UsagePeriod period, DateRange days, ReportingTime now)
    {
        Days = days;
        IsRunning = now.Today >= days.First && now.Today <= days.Last;

        // Tomorrow another day is today: only a month that is over shows the same for ever.
        if (period.Kind != PeriodKind.Month || now.Today <= days.Last)
            Expiry = now.Midnight;
        var before = period.Before(days);
        if (IsRunning)
        {
            Compared = (new HoursUntil(days.First, now.Today, now.HourStart), Elapsed(days, before, now));
            BeforeName = period.Kind switch
            {
                PeriodKind.Today => "yesterday by this hour",
                PeriodKind.Last7Days => "in the 7 days before by this hour",
                PeriodKind.Last30Days => "in the 30 days before by this hour",
                _ => "in the month before by this day and hour",
            };
        }
        else if (now.Today > days.Last)
        {
            Compared = (HoursUntil.Through(days), HoursUntil.Through(before));
            BeforeName = "in the month before";
        }
    }

    /// <summary>Whether today is one of the days: with every hour there is more to compare.</summary>
    internal bool IsRunning { get; }

    /// <summary>The days shown.</summary>
    internal DateRange Days { get; }

    /// <summary>The period's full hours that have passed, and the same part of the period before; null before its first day.</summary>
    internal (HoursUntil Now, HoursUntil Before)? Compared { get; }

    /// <summary>The period before in words; null where nothing is compared.</summary>
    internal string? BeforeName { get; }

    /// <summary>When, in UTC, other days are shown; null if never.</summary>
    internal DateTime? Expiry { get; }

    /// <summary>The days of a filter's period; null for all time.</summary>
    internal static PeriodDates? Of(UsageFilter filter, ReportingTime now) =>
        filter.Period.On(now.Today) is { } days ? new PeriodDates(filter.Period, days, now) : null;

    /// <summary>By the calendar and the clock, as people compare: as many days, and the last one up to the same time of day.</summary>
    private static HoursUntil Elapsed(DateRange days, DateRange before, ReportingTime now)
    {
        var last = before.First.AddDays(now.Today.DayNumber - days.First.DayNumber);
        return last <= before.Last ? new HoursUntil(before.First, last, now.UtcOf(last, now.Hour)) : HoursUntil.Through(before);
    }
}

/// <summary>Hours from the beginning of a day on.</summary>
/// <param name="First">The first day.</param>
/// <param name="Last">The day in which they end.</param>
/// <param name="End">Where in that day, in UTC; this hour is not included.</param>
internal readonly record struct HoursUntil(DateOnly First, DateOnly Last, DateTime End)
{
    /// <summary>PostgreSQL's <c>infinity</c>.</summary>
    private static readonly DateTime Always = DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc);

    /// <summary>All hours of some days.</summary>
    internal static HoursUntil Through(DateRange days) => new(days.First, days.Last, Always);
}
