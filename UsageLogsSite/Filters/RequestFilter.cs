using System.Collections.Concurrent;

namespace UsageLogsSite.Filters;

/// <summary>
/// The filter that a request asks for. Readers of one view send the same query again and again: what it means is remembered, as
/// reading it would cost as much as answering from memory does.
/// </summary>
internal static class RequestFilter
{
    /// <summary>A flood of different queries must not fill the memory.</summary>
    private const int Remembered = 1_000;
    private const int LongestRemembered = 256;

    private static readonly ConcurrentDictionary<string, UsageFilter> Known = new();

    /// <summary>Reads the query as <see cref="UsageFilter.Parse"/> does.</summary>
    internal static UsageFilter UsageFilter(this HttpRequest request)
    {
        var query = request.QueryString.Value ?? "";
        return Known.TryGetValue(query, out var filter) ? filter : Parse(request, query);
    }

    private static UsageFilter Parse(HttpRequest request, string query)
    {
        var filter = Filters.UsageFilter.Parse(request.Query);
        if (Known.Count >= Remembered)
            Known.Clear();
        if (query.Length <= LongestRemembered)
            Known[query] = filter;
        return filter;
    }
}
