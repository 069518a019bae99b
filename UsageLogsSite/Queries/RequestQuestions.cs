using System.Collections.Concurrent;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// The question that a query asks of the list of users. Readers of one view send the same query again and again: what it means is
/// remembered, as reading it would cost as much as answering from memory does.
/// </summary>
internal static class RequestQuestions
{
    /// <summary>A flood of different queries must not fill the memory.</summary>
    private const int Remembered = 1_000;
    private const int LongestRemembered = 256;

    /// <summary>The only part of a query that means something else to readers who save data.</summary>
    private static readonly string DefaultSize = $"size={UsageFilter.DefaultSize}";

    private static readonly ConcurrentDictionary<string, TableQuestion> Known = new();

    /// <summary>Reads the query as <see cref="UsageFilter.Parse"/> does.</summary>
    internal static TableQuestion Of(HttpRequest request)
    {
        var query = request.QueryString.Value ?? "";
        if (query.Contains(DefaultSize, StringComparison.Ordinal) && request.SavesData())
            return new TableQuestion(UsageFilter.Parse(request.Query, keepsSize: true));
        return Known.TryGetValue(query, out var question) ? question : Parse(request, query);
    }

    private static TableQuestion Parse(HttpRequest request, string query)
    {
        var question = new TableQuestion(UsageFilter.Parse(request.Query));
        if (Known.Count >= Remembered)
            Known.Clear();
        if (query.Length <= LongestRemembered)
            Known[query] = question;
        return question;
    }
}
