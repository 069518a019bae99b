namespace UsageLogsSite.Queries;

/// <summary>A row of <see cref="PeriodTable"/>'s answer, with what is compared.</summary>
internal sealed class PeriodFound : FoundRow
{
    public long NowRequests { get; init; }

    public long NowTokens { get; init; }

    public decimal NowCostUsd { get; init; }

    public decimal NowRevenueUsd { get; init; }

    public long BeforeRequests { get; init; }

    public long BeforeTokens { get; init; }

    public decimal BeforeCostUsd { get; init; }

    public decimal BeforeRevenueUsd { get; init; }

    internal UsageComparison Compare(string before) => new(
        before,
        UsageChangeOf.From(BeforeRequests, NowRequests),
        UsageChangeOf.From(BeforeTokens, NowTokens),
        UsageChangeOf.From(BeforeCostUsd, NowCostUsd),
        UsageChangeOf.From(BeforeRevenueUsd, NowRevenueUsd));
}
