namespace UsageLogsSite.Pages.Shared;

/// <summary>Bars of two parts, one upon the other.</summary>
/// <param name="Name">What they are of.</param>
/// <param name="Bars">The bars, from left to right.</param>
internal sealed record BarChart(string Name, IReadOnlyList<Bar> Bars)
{
    /// <summary>The highest bar, in units of the drawing.</summary>
    internal const int Height = 100;

    /// <summary>A little is not nothing.</summary>
    private const int Least = 2;

    private readonly decimal _most = Math.Max(Bars.Select(b => b.First + b.Second).DefaultIfEmpty().Max(), decimal.One / 1_000_000_000);

    /// <summary>The heights of a bar's upper and lower part; together never more than <see cref="Height"/>.</summary>
    internal (int First, int Second) HeightsOf(int index)
    {
        var (first, second) = (Bars[index].First, Bars[index].Second);
        var all = HeightOf(first + second);
        var lower = first == 0 ? all : Math.Min(HeightOf(second), Math.Max(all - Least, 0));
        return (all - lower, lower);
    }

    private int HeightOf(decimal value) => value <= 0 ? 0 : Math.Max(Least, (int)(Height * value / _most));
}

/// <summary>One bar.</summary>
/// <param name="Words">Its tooltip.</param>
/// <param name="First">The upper part; not negative.</param>
/// <param name="Second">The lower part; not negative.</param>
/// <param name="Id">The element's id; null for none.</param>
/// <param name="IsSame">Whether the reader has it as it is.</param>
internal sealed record Bar(string Words, decimal First, decimal Second, string? Id = null, bool IsSame = false);
