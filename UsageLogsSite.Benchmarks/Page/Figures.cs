using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>What is measured of a case.</summary>
internal enum Figure
{
    /// <summary>Our query, from the site's code to its answer.</summary>
    Query,

    /// <summary>The whole request for the fragment, from the database each time.</summary>
    Request,

    /// <summary>A materialized view's query.</summary>
    View,

    /// <summary>The aggregation of the raw rows.</summary>
    OnTheFly,
}

/// <summary>Milliseconds by database, case and what was measured.</summary>
internal sealed class Figures
{
    private readonly Dictionary<(LoadedDatabase, Case, Figure), List<double>> _all = [];

    internal void Add(LoadedDatabase database, Case asked, Figure figure, double milliseconds)
    {
        if (!_all.TryGetValue((database, asked, figure), out var list))
            _all.Add((database, asked, figure), list = []);
        list.Add(milliseconds);
    }

    /// <summary>A percentile as text.</summary>
    internal string P(LoadedDatabase database, Case asked, Figure figure, double share)
    {
        var value = Of(database, asked, figure, share);
        return Report.N(value, value < 100 ? 1 : 0);
    }

    /// <summary>How much longer the first database took than the second, by medians.</summary>
    internal string Ratio(LoadedDatabase first, LoadedDatabase second, Case asked, Figure figure) =>
        Report.N(Of(first, asked, figure, 0.5) / Of(second, asked, figure, 0.5), 2);

    private double Of(LoadedDatabase database, Case asked, Figure figure, double share) =>
        _all.TryGetValue((database, asked, figure), out var list) ? Percentile.Of(list, share) : double.NaN;
}
