namespace UsageLogsSite.Benchmarks.Support;

/// <summary>Order statistics.</summary>
internal static class Percentile
{
    /// <summary>The value below which this share of all lie; NaN of none.</summary>
    internal static double Of(IReadOnlyList<double> values, double share)
    {
        if (values.Count == 0)
            return double.NaN;
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }
}
