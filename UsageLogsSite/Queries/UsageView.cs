using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>What a filter shows at one moment: sums and rows of one database snapshot.</summary>
/// <param name="Filter">The filter as answered: a page past the end has become the last page.</param>
/// <param name="Summary">Sums over all users that the filter keeps.</param>
/// <param name="Rows">The users of this page, in order.</param>
/// <param name="NextExpiry">When, in UTC, a sliding window or another day changes what is shown even if no row changes; null if never.</param>
/// <param name="Period">The days that are shown; null for all time.</param>
/// <param name="Chart">The days of the chart; null without one.</param>
internal sealed record UsageView(
    UsageFilter Filter, UsageSummary Summary, IReadOnlyList<UsageRow> Rows, DateTime? NextExpiry, PeriodShown? Period = null,
    IReadOnlyList<ChartDay>? Chart = null)
    : LiveView(new TableQuestion(Filter).Address, VersionOf(Filter, Summary, Rows, Period, Chart), NextExpiry)
{
    /// <summary>Number of pages; at least one.</summary>
    public int Pages => Math.Max(1, (int)((Summary.Users + Filter.Size - 1) / Filter.Size));

    /// <inheritdoc />
    internal override int RowCount => Rows.Count;

    private static string VersionOf(UsageFilter filter, UsageSummary summary, IReadOnlyList<UsageRow> rows, PeriodShown? period, IReadOnlyList<ChartDay>? chart) =>
        period is null && chart is null
            ? ContentHash.Of(filter.QueryString, summary, rows)
            : ContentHash.Of(filter.QueryString, new { summary, period, chart }, rows);
}

/// <summary>Which days a view shows.</summary>
/// <param name="Days">The days.</param>
/// <param name="TimeZone">The id of the zone whose days they are.</param>
/// <param name="Comparison">How the sums differ from the period before; null where that is not asked for each user, or nothing has passed.</param>
internal sealed record PeriodShown(DateRange Days, string TimeZone, UsageComparison? Comparison);

/// <summary>Sums over all users of a filter.</summary>
/// <param name="Users">Number of users.</param>
/// <param name="ActiveUsers">Users active in the last 30 days; for a period, in it.</param>
/// <param name="Requests">Number of usage logs.</param>
/// <param name="Tokens">Prompt and completion tokens.</param>
/// <param name="CostUsd">Cost in US dollars.</param>
/// <param name="RevenueUsd">Amount of completed purchases in US dollars.</param>
internal sealed record UsageSummary(long Users, long ActiveUsers, long Requests, long Tokens, decimal CostUsd, decimal RevenueUsd)
{
    /// <summary>What is left without some of the users.</summary>
    internal UsageSummary Less(UsageSummary some) => new(
        Users - some.Users, ActiveUsers - some.ActiveUsers, Requests - some.Requests, Tokens - some.Tokens, CostUsd - some.CostUsd, RevenueUsd - some.RevenueUsd);
}

/// <summary>One user in the table; figures are those of the period where there is one.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="Name">The user's name; may be empty.</param>
/// <param name="Email">The user's e-mail address.</param>
/// <param name="Type">Staff or customer.</param>
/// <param name="CreatedAt">When the user was created, in UTC.</param>
/// <param name="Requests">Number of usage logs.</param>
/// <param name="Tokens">Prompt and completion tokens.</param>
/// <param name="CreditsUsed">Credits used by responses.</param>
/// <param name="CreditsBought">Credits of completed purchases.</param>
/// <param name="CostUsd">Cost in US dollars.</param>
/// <param name="RevenueUsd">Amount of completed purchases in US dollars.</param>
/// <param name="CompletedPayments">Number of completed purchases of all time: the green dot is lit above zero.</param>
/// <param name="CreditsLeft">Credits bought less credits used, of all time.</param>
/// <param name="LastActivity">The newest log's time in UTC; null without logs.</param>
/// <param name="Trend">The last days, whatever the period; null where nobody asked for it.</param>
internal sealed record UsageRow(
    Guid UserId,
    string Name,
    string Email,
    UserType Type,
    DateTime CreatedAt,
    long Requests,
    long Tokens,
    decimal CreditsUsed,
    decimal CreditsBought,
    decimal CostUsd,
    decimal RevenueUsd,
    int CompletedPayments,
    decimal CreditsLeft,
    DateTime? LastActivity,
    UserTrend? Trend = null);
