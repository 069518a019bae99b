using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace UsageLogsSite.Filters;

/// <summary>What all filters do alike with the queries that they are read from.</summary>
internal static class FilterQuery
{
    /// <summary>The rows that a page may have.</summary>
    internal static readonly IReadOnlyList<int> Sizes = [10, 25, 50, 100];

    /// <summary>The first value of a name; null where there is none.</summary>
    internal static string? First(this IQueryCollection query, string name) =>
        query.TryGetValue(name, out var values) && !StringValues.IsNullOrEmpty(values) ? values[0] : null;

    /// <summary>The rows asked for: one of <see cref="Sizes"/>, or the default.</summary>
    internal static int Size(this IQueryCollection query, int otherwise) =>
        int.TryParse(query.First("size"), NumberStyles.None, CultureInfo.InvariantCulture, out var size) && Sizes.Contains(size) ? size : otherwise;

    /// <summary>Whether a query has exactly these parameters, each once.</summary>
    internal static bool Is(this IQueryCollection query, IReadOnlyDictionary<string, string?> parameters) =>
        query.Count == parameters.Count
        && parameters.All(p => query.TryGetValue(p.Key, out var values) && values.Count == 1 && values[0] == p.Value);
}
