namespace UsageLogsSite.Pages.Shared;

/// <summary>Bars of two parts, one upon the other.</summary>
/// <param name="Name">What they are of.</param>
/// <param name="Bars">The bars, from left to right.</param>
/// <param name="EarlierId">The id of the group of all bars but the last, which alone changes as a rule; null for no such group.</param>
internal sealed record BarChart(string Name, IReadOnlyList<Bar> Bars, string? EarlierId = null)
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

    /// <summary>Whether the reader has all bars but the last.</summary>
    internal bool EarlierAreSame => Bars.SkipLast(1).All(bar => bar.IsSame);

    /// <summary>How many bars from here on are one to the eye: those of zero, unless they have ids.</summary>
    internal int RunFrom(int index) => Math.Max(1, Bars.Skip(index).TakeWhile(bar => bar is { First: 0, Second: 0, Id: null }).Count());

    /// <summary>The tooltip of so many bars with the same figures.</summary>
    internal string WordsOf(int index, int run) => run == 1 ? Bars[index].Words : $"{Bars[index].Label} – {Bars[index + run - 1].Words}";

    private int HeightOf(decimal value) => value <= 0 ? 0 : Math.Max(Least, (int)(Height * value / _most));
}

/// <summary>One bar.</summary>
/// <param name="Label">What it stands for, such as a day.</param>
/// <param name="Figures">Its figures in words.</param>
/// <param name="First">The upper part; not negative.</param>
/// <param name="Second">The lower part; not negative.</param>
/// <param name="Id">The element's id; null for none.</param>
/// <param name="IsSame">Whether the reader has it as it is.</param>
internal sealed record Bar(string Label, string Figures, decimal First, decimal Second, string? Id = null, bool IsSame = false)
{
    /// <summary>Its tooltip.</summary>
    internal string Words => $"{Label}: {Figures}";
}
