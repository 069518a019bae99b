using UsageLogsSite.Data;

namespace UsageLogsSite.Ingest;

/// <summary>What can be written over HTTP: rows of one table.</summary>
/// <param name="Table">The table; with hyphens it is the last part of the address, too.</param>
/// <param name="Fields">The fields of a row beside <c>id</c>, <c>user_id</c> and <c>created_at</c>.</param>
internal sealed record RowKind(string Table, IReadOnlyList<RowField> Fields)
{
    /// <summary>AI responses.</summary>
    internal static readonly RowKind UsageLogs = new(
        "usage_logs",
        [
            RowField.Text("model", 200, "sage-3"),
            RowField.Count("prompt_tokens", 1_200),
            RowField.Count("completion_tokens", 300),
            RowField.Amount("credits", isRequired: false, 1.5m),
            RowField.Amount("cost_usd", isRequired: false, 0.012m),
            RowField.OneOf("status", WordsOf<UsageLogStatus>()),
        ]);

    /// <summary>Purchases of credits.</summary>
    internal static readonly RowKind CreditPurchases = new(
        "credit_purchases",
        [
            RowField.Amount("amount_usd", isRequired: true, 20m),
            RowField.Amount("credits", isRequired: false, 2_000m),
            RowField.OneOf("status", WordsOf<PurchaseStatus>()),
        ]);

    /// <summary>All kinds.</summary>
    internal static readonly IReadOnlyList<RowKind> All = [UsageLogs, CreditPurchases];

    /// <summary>Its name in addresses.</summary>
    internal string Name { get; } = Table.Replace('_', '-');

    /// <summary>Where its rows are posted.</summary>
    internal string Address => "/api/" + Name;

    /// <summary>What a key needs to write it.</summary>
    internal string Scope => Name + ":write";

    /// <summary>The scopes that there are.</summary>
    internal static string[] Scopes => [.. All.Select(kind => kind.Scope)];

    private static string[] WordsOf<TEnum>()
        where TEnum : struct, Enum => [.. Enum.GetNames<TEnum>().Select(name => name.ToLowerInvariant())];
}
