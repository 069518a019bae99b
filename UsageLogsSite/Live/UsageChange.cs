using UsageLogsSite.Filters;

namespace UsageLogsSite.Live;

/// <summary>A hint that totals changed, and whose. It carries no data: any database login can send or read it.</summary>
/// <param name="Internal">Totals of internal users may have changed.</param>
/// <param name="External">Totals of external users may have changed.</param>
internal readonly record struct UsageChange(bool Internal, bool External)
{
    /// <summary>Anything may have changed: after a gap, or when a hint cannot be read.</summary>
    internal static readonly UsageChange Anything = new(true, true);

    /// <summary>Reads the payload of <c>usage_changed</c>: user types, separated by commas. Anything else means <see cref="Anything"/>.</summary>
    internal static UsageChange Parse(string payload) => payload switch
    {
        "internal" => new UsageChange(true, false),
        "external" => new UsageChange(false, true),
        _ => Anything,
    };

    /// <summary>Whether the answer to a filter can have changed.</summary>
    internal bool Affects(UsageFilter filter) => filter.Type switch
    {
        TypeFilter.Internal => Internal,
        TypeFilter.External => External,
        _ => Internal || External,
    };
}
