using System.Globalization;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>What to compare.</summary>
/// <param name="Variants">Names of variants, "ours" first.</param>
/// <param name="Viewers">Numbers of viewers.</param>
/// <param name="FilterSets">Distinct filters that they look at.</param>
internal sealed record ComparisonOptions(IReadOnlyList<string> Variants, IReadOnlyList<int> Viewers, int FilterSets = 20)
{
    internal static readonly IReadOnlyList<string> AllVariants = ["ours", "refetch", "blazor", "signalr", "polling"];

    /// <summary>Reads the command line; null if it cannot be read.</summary>
    internal static ComparisonOptions? TryParse(string[] arguments)
    {
        var options = new ComparisonOptions(AllVariants, [100, 1_000, 10_000]);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
                return null;
            var values = arguments[i + 1].Split(',');
            switch (arguments[i])
            {
                case "--variants" when values.All(AllVariants.Contains):
                    options = options with { Variants = values };
                    break;
                case "--viewers" when values.All(v => int.TryParse(v, CultureInfo.InvariantCulture, out var n) && n > 0):
                    options = options with { Viewers = [.. values.Select(v => int.Parse(v, CultureInfo.InvariantCulture))] };
                    break;
                default:
                    return null;
            }
        }

        return options;
    }
}
