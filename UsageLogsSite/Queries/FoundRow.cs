using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>A row of a hand-written statement's answer: the sums of all users kept, and a user of the page beside them, if there is any.</summary>
internal class FoundRow
{
    public long Users { get; init; }

    public long ActiveUsers { get; init; }

    public long AllRequests { get; init; }

    public long AllTokens { get; init; }

    public decimal AllCostUsd { get; init; }

    public decimal AllRevenueUsd { get; init; }

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

    internal UsageSummary ToSummary() => new(Users, ActiveUsers, AllRequests, AllTokens, AllCostUsd, AllRevenueUsd);

    /// <summary>The users of an answer, in its order.</summary>
    internal static IReadOnlyList<UsageRow> ToRows(IEnumerable<FoundRow> found) => [.. found.Where(f => f.UserId is not null).Select(f => f.ToRow())];

    /// <summary>The user beside the sums, who must be there.</summary>
    internal UsageRow ToRow() => new(
        UserId!.Value, Name!, Email!, Enum.Parse<UserType>(UserType!, ignoreCase: true), CreatedAt!.Value, Requests, Tokens, CreditsUsed,
        CreditsBought, CostUsd, RevenueUsd, CompletedPayments, CreditsLeft, LastActivity);
}
