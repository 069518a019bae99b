namespace UsageLogsSite.Filters;

/// <summary>A moment on the calendar and the clock of the reporting time zone.</summary>
/// <param name="utc">The moment, in UTC.</param>
/// <param name="zone">The reporting time zone.</param>
internal readonly struct ReportingTime(DateTime utc, TimeZoneInfo zone)
{
    /// <summary>Longer than any change of a clock, shorter than the time between two.</summary>
    private static readonly TimeSpan AroundChange = TimeSpan.FromHours(6);

    private readonly DateTime _local = TimeZoneInfo.ConvertTimeFromUtc(utc, zone);

    /// <summary>The moment, in UTC.</summary>
    internal DateTime Utc => utc;

    /// <summary>The id of the zone.</summary>
    internal string ZoneId => zone.Id;

    /// <summary>The calendar day.</summary>
    internal DateOnly Today => DateOnly.FromDateTime(_local);

    /// <summary>The hour of the day that the clock shows, 0 to 23.</summary>
    internal int Hour => _local.Hour;

    /// <summary>When that hour began, in UTC.</summary>
    internal DateTime HourStart => utc.AddTicks(-(_local.Ticks % TimeSpan.TicksPerHour));

    /// <summary>When the next day begins, in UTC.</summary>
    internal DateTime Midnight => UtcOf(Today.AddDays(1), 0);

    /// <summary>When a clock first shows an hour of a day, in UTC; where it skips the hour, when it goes on after it.</summary>
    internal DateTime UtcOf(DateOnly day, int hour)
    {
        var local = day.ToDateTime(new TimeOnly(hour, 0));
        var offset = zone.IsInvalidTime(local) ? zone.GetUtcOffset(local - AroundChange)
            : zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max()
            : zone.GetUtcOffset(local);
        return DateTime.SpecifyKind(local - offset, DateTimeKind.Utc);
    }
}
