using System.Globalization;

namespace UsageLogsSite.Filters;

/// <summary>What a period is named after: the calendar of the reporting time zone.</summary>
internal enum PeriodKind
{
    All,
    Today,
    Last7Days,
    Last30Days,
    ThisMonth,
    LastMonth,

    /// <summary>A certain month of a certain year.</summary>
    Month,
}

/// <summary>When the usage was that a filter shows: always, some days that move with the calendar, or a certain month.</summary>
internal readonly record struct UsagePeriod
{
    /// <summary>The first month that can hold a row, and the one after the last.</summary>
    private static readonly DateOnly FirstMonth = new(1970, 1, 1), LastMonth = new(2200, 12, 1);

    /// <summary>The periods that have a name, in the order in which they are offered.</summary>
    internal static readonly IReadOnlyList<UsagePeriod> Named =
        [.. Enum.GetValues<PeriodKind>().Where(kind => kind != PeriodKind.Month).Select(kind => new UsagePeriod { Kind = kind })];

    /// <summary>What the period is named after; all time unless set.</summary>
    public PeriodKind Kind { get; private init; }

    /// <summary>The first day of a certain month; null for named periods.</summary>
    public DateOnly? Month { get; private init; }

    /// <summary>The name in addresses: <c>last-month</c>, <c>2026-03</c>.</summary>
    public string Name => Kind switch
    {
        PeriodKind.Today => "today",
        PeriodKind.Last7Days => "7d",
        PeriodKind.Last30Days => "30d",
        PeriodKind.ThisMonth => "month",
        PeriodKind.LastMonth => "last-month",
        PeriodKind.Month => Month!.Value.ToString("yyyy-MM", CultureInfo.InvariantCulture),
        _ => "all",
    };

    /// <summary>The period with this name; all time where there is none.</summary>
    internal static UsagePeriod Parse(string? name)
    {
        if (name is { Length: 7 } && name.All(c => char.IsAsciiDigit(c) || c == '-')
            && DateOnly.TryParseExact(name, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out var month))
        {
            return month >= FirstMonth && month <= LastMonth ? OfMonth(month) : default;
        }

        return Named.FirstOrDefault(period => period.Name == name);
    }

    /// <summary>The month that a day belongs to.</summary>
    internal static UsagePeriod OfMonth(DateOnly day) => new() { Kind = PeriodKind.Month, Month = FirstOfMonth(day) };

    /// <summary>The days of the period; null for all time.</summary>
    /// <param name="today">The calendar day in the reporting time zone.</param>
    internal DateRange? On(DateOnly today) => Kind switch
    {
        PeriodKind.Today => new DateRange(today, today),
        PeriodKind.Last7Days => new DateRange(today.AddDays(-6), today),
        PeriodKind.Last30Days => new DateRange(today.AddDays(-29), today),
        PeriodKind.ThisMonth => WholeMonth(today),
        PeriodKind.LastMonth => WholeMonth(FirstOfMonth(today).AddMonths(-1)),
        PeriodKind.Month => WholeMonth(Month!.Value),
        _ => null,
    };

    /// <summary>The days of the period before: as many, or the month before a month.</summary>
    /// <param name="days">The days of this period.</param>
    internal DateRange Before(DateRange days) => Kind is PeriodKind.Today or PeriodKind.Last7Days or PeriodKind.Last30Days
        ? new DateRange(days.First.AddDays(-days.Length), days.First.AddDays(-1))
        : WholeMonth(days.First.AddMonths(-1));

    private static DateOnly FirstOfMonth(DateOnly day) => new(day.Year, day.Month, 1);

    private static DateRange WholeMonth(DateOnly day) => new(FirstOfMonth(day), FirstOfMonth(day).AddMonths(1).AddDays(-1));
}

/// <summary>Calendar days, both ends included.</summary>
/// <param name="First">The first day.</param>
/// <param name="Last">The last day; not before the first.</param>
internal readonly record struct DateRange(DateOnly First, DateOnly Last)
{
    /// <summary>Number of days; at least one.</summary>
    public int Length => Last.DayNumber - First.DayNumber + 1;
}
