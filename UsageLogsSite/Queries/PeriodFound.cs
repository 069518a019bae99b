using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>A row of <see cref="PeriodTable"/>'s answer: the sums of all, and a user of the page beside them, if there is any.</summary>
internal sealed class PeriodFound
{
    public long Users { get; init; }

    public long ActiveUsers { get; init; }

    public long AllRequests { get; init; }

    public long AllTokens { get; init; }

    public decimal AllCostUsd { get; init; }

    public decimal AllRevenueUsd { get; init; }

    public long NowRequests { get; init; }

    public long NowTokens { get; init; }

    public decimal NowCostUsd { get; init; }

    public decimal NowRevenueUsd { get; init; }

    public long BeforeRequests { get; init; }

    public long BeforeTokens { get; init; }

    public decimal BeforeCostUsd { get; init; }

    public decimal BeforeRevenueUsd { get; init; }

    public DateTime? OldestInWindow { get; init; }

    public Guid? UserId { get; init; }

    public string? Name { get; init; }

    public string? Email { get; init; }

    public string? UserType { get; init; }

    public DateTime? CreatedAt { get; init; }

    public long Requests { get; init; }

    public long Tokens { get; init; }

    public decimal CreditsUsed { get; init; }

    public decimal CreditsBought { get; init; }

    public decimal CostUsd { get; init; }

    public decimal RevenueUsd { get; init; }

    public int CompletedPayments { get; init; }

    public decimal CreditsLeft { get; init; }

    public DateTime? LastActivity { get; init; }

    internal UsageRow ToRow() => new(
        UserId!.Value, Name!, Email!, Enum.Parse<UserType>(UserType!, ignoreCase: true), CreatedAt!.Value, Requests, Tokens, CreditsUsed,
        CreditsBought, CostUsd, RevenueUsd, CompletedPayments, CreditsLeft, LastActivity);

    internal UsageComparison Compare(string before) => new(
        before,
        UsageChangeOf.From(BeforeRequests, NowRequests),
        UsageChangeOf.From(BeforeTokens, NowTokens),
        UsageChangeOf.From(BeforeCostUsd, NowCostUsd),
        UsageChangeOf.From(BeforeRevenueUsd, NowRevenueUsd));
}
