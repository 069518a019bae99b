using System.Globalization;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Tests.Filters;

public sealed class UsagePeriodTests
{
    [Theory]
    [InlineData("all", "2026-03-31", null)]
    [InlineData("today", "2026-03-31", "2026-03-31 2026-03-31")]
    [InlineData("7d", "2026-03-03", "2026-02-25 2026-03-03")]
    [InlineData("30d", "2026-03-31", "2026-03-02 2026-03-31")]
    [InlineData("month", "2028-02-03", "2028-02-01 2028-02-29")]
    [InlineData("last-month", "2026-01-31", "2025-12-01 2025-12-31")]
    [InlineData("2026-02", "2026-01-31", "2026-02-01 2026-02-28")]
    public void A_period_is_whole_days_of_the_calendar(string name, string today, string? days) =>
        Assert.Equal(days, Text(UsagePeriod.Parse(name).On(DateOnly.Parse(today, CultureInfo.InvariantCulture))));

    [Theory]
    [InlineData("today", "2026-03-01", "2026-02-28 2026-02-28")]
    [InlineData("7d", "2026-03-07", "2026-02-22 2026-02-28")]
    [InlineData("30d", "2026-03-31", "2026-01-31 2026-03-01")]
    [InlineData("month", "2026-03-31", "2026-02-01 2026-02-28")]
    [InlineData("last-month", "2026-03-31", "2026-01-01 2026-01-31")]
    [InlineData("1970-01", "2026-03-31", "1969-12-01 1969-12-31")]
    public void The_period_before_is_as_many_days_or_a_month(string name, string today, string days)
    {
        var period = UsagePeriod.Parse(name);
        Assert.Equal(days, Text(period.Before(period.On(DateOnly.Parse(today, CultureInfo.InvariantCulture))!.Value)));
    }

    [Theory]
    [InlineData("UTC", "2026-11-23T23:59:59Z", "2026-11-23", 23, "2026-11-23T23:00:00Z", "2026-11-24T00:00:00Z")]
    [InlineData("Asia/Kolkata", "2026-11-23T18:45:00Z", "2026-11-24", 0, "2026-11-23T18:30:00Z", "2026-11-24T18:30:00Z")]
    [InlineData("America/New_York", "2026-11-01T04:30:00Z", "2026-11-01", 0, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25", 2, "2026-10-25T01:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("Europe/Berlin", "2026-03-29T10:10:00Z", "2026-03-29", 12, "2026-03-29T10:00:00Z", "2026-03-29T22:00:00Z")]
    [InlineData("Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23", 14, "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z")]
    public void A_day_begins_and_ends_where_the_zones_calendar_says(string zone, string now, string today, int hour, string hourStart, string midnight)
    {
        var time = new ReportingTime(Utc(now), TimeZoneInfo.FindSystemTimeZoneById(zone));
        Assert.Equal((DateOnly.Parse(today, CultureInfo.InvariantCulture), hour, Utc(hourStart), Utc(midnight)), (time.Today, time.Hour, time.HourStart, time.Midnight));
    }

    private static string? Text(DateRange? days) => days is { } d ? FormattableString.Invariant($"{d.First:yyyy-MM-dd} {d.Last:yyyy-MM-dd}") : null;

    private static DateTime Utc(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
}
