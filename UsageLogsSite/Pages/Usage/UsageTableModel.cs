using UsageLogsSite.Pages.Shared;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// The table to render: whole, or as what differs from the view that a reader shows. What is the same is then only named, by an element
/// with the attribute <c>data-same</c> and its id, or for a row its position; the browser puts its own copy there.
/// </summary>
internal sealed class UsageTableModel
{
    private readonly Dictionary<UsageRow, int> _shownRows;
    private readonly HashSet<ChartDay> _shownDays;
    private readonly BarChart? _shownBars;

    /// <param name="view">What to show.</param>
    /// <param name="shown">What the reader shows, an answer to the same filter; null if unknown.</param>
    internal UsageTableModel(UsageView view, UsageView? shown = null)
    {
        View = view;
        _shownRows = (shown?.Rows ?? []).Select((row, position) => (row, position)).ToDictionary();
        _shownDays = [.. shown?.Chart ?? []];
        _shownBars = shown?.Chart is { } chart ? BarsOf(chart, null) : null;
        HasChart = view.Chart is not null && shown?.Chart is { } same && same.SequenceEqual(view.Chart);
        HasFrame = shown is not null;
        HasSums = shown?.Summary == view.Summary && shown?.Period == view.Period;
        HasColumns = shown?.Rows.Count > 0;
        HasPager = HasColumns && shown!.Pages > 1 && shown.Pages == view.Pages;
    }

    /// <summary>What to show.</summary>
    public UsageView View { get; }

    /// <summary>Whether the reader has what follows from the filter alone.</summary>
    public bool HasFrame { get; }

    /// <summary>Whether the reader has this chart.</summary>
    public bool HasChart { get; }

    /// <summary>The chart's bars; null without one.</summary>
    public BarChart? Bars => View.Chart is { } days ? BarsOf(days, _shownBars) : null;

    /// <summary>Whether the reader has these sums.</summary>
    public bool HasSums { get; }

    /// <summary>Whether the reader has the columns' headings: an empty table has none.</summary>
    public bool HasColumns { get; }

    /// <summary>Whether the reader has this pager: a single page has none.</summary>
    public bool HasPager { get; }

    /// <summary>Whether the reader has all days of the chart but the last.</summary>
    public bool HasEarlierDays => View.Chart is { } days && days.SkipLast(1).All(HasDay);

    /// <summary>Whether the reader has a day of the chart as it is, if not as high.</summary>
    public bool HasDay(ChartDay day) => _shownDays.Contains(day);

    /// <summary>Where the reader has a row as it is, counted from 0; null if nowhere.</summary>
    public int? ShownAt(UsageRow row) => _shownRows.TryGetValue(row, out var position) ? position : null;

    /// <summary>Bars; those that another chart has as high in the same place are only named.</summary>
    private static BarChart BarsOf(IReadOnlyList<ChartDay> days, BarChart? shown)
    {
        var chart = new BarChart("Requests a day", [.. days.Select(d => new Bar(Format.Day(d.Day), Figures(d), d.External, d.Internal, $"bar-{d.Day.DayNumber}"))], "bars");
        return shown is null
            ? chart
            : chart with
            {
                Bars = [.. chart.Bars.Select((bar, i) => bar with
                {
                    IsSame = i < shown.Bars.Count && shown.Bars[i].Words == bar.Words && shown.HeightsOf(i) == chart.HeightsOf(i),
                })],
            };
    }

    private static string Figures(ChartDay day) => $"{Format.Count(day.External)} external, {Format.Count(day.Internal)} internal";
}
