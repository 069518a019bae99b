namespace UsageLogsSite.Queries;

/// <summary>How the sums of a period differ from those of the period before.</summary>
/// <param name="Before">What is compared with, as it stands after "than": "in the 7 days before".</param>
/// <param name="Requests">Of the number of usage logs; null where there was none, before and now.</param>
/// <param name="Tokens">Of the tokens.</param>
/// <param name="CostUsd">Of the cost.</param>
/// <param name="RevenueUsd">Of the revenue.</param>
internal sealed record UsageComparison(string Before, UsageChangeOf? Requests, UsageChangeOf? Tokens, UsageChangeOf? CostUsd, UsageChangeOf? RevenueUsd);

/// <summary>How a sum differs from what it was.</summary>
/// <param name="Percent">By how many whole percent, rounded half away from zero; meaningless for something new.</param>
/// <param name="IsNew">There was nothing before, and so there are no percent.</param>
internal readonly record struct UsageChangeOf(int Percent, bool IsNew)
{
    private const int MostPercent = 99_999;

    /// <summary>The change from a sum to another; null if both are nothing.</summary>
    internal static UsageChangeOf? From(decimal before, decimal now)
    {
        if (before == 0)
            return now == 0 ? null : new UsageChangeOf(0, IsNew: true);

        // As doubles: a quotient of the largest and the smallest amount does not fit a decimal.
        var percent = Math.Round(((double)now - (double)before) * 100 / (double)before, MidpointRounding.AwayFromZero);
        return new UsageChangeOf((int)Math.Clamp(percent, -100, MostPercent), IsNew: false);
    }
}
