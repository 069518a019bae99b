using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// The table to render: whole, or as what differs from the view that a reader shows. What is the same is then only named, by an element
/// with the attribute <c>data-same</c> and its id, or for a row its position; the browser puts its own copy there.
/// </summary>
internal sealed class UsageTableModel
{
    private readonly Dictionary<UsageRow, int> _shownRows;

    /// <param name="view">What to show.</param>
    /// <param name="shown">What the reader shows, an answer to the same filter; null if unknown.</param>
    internal UsageTableModel(UsageView view, UsageView? shown = null)
    {
        View = view;
        _shownRows = (shown?.Rows ?? []).Select((row, position) => (row, position)).ToDictionary();
        HasFrame = shown is not null;
        HasSums = shown?.Summary == view.Summary && shown?.Period == view.Period;
        HasColumns = shown?.Rows.Count > 0;
        HasPager = HasColumns && shown!.Pages > 1 && shown.Pages == view.Pages;
    }

    /// <summary>What to show.</summary>
    public UsageView View { get; }

    /// <summary>Whether the reader has what follows from the filter alone.</summary>
    public bool HasFrame { get; }

    /// <summary>Whether the reader has these sums.</summary>
    public bool HasSums { get; }

    /// <summary>Whether the reader has the columns' headings: an empty table has none.</summary>
    public bool HasColumns { get; }

    /// <summary>Whether the reader has this pager: a single page has none.</summary>
    public bool HasPager { get; }

    /// <summary>Where the reader has a row as it is, counted from 0; null if nowhere.</summary>
    public int? ShownAt(UsageRow row) => _shownRows.TryGetValue(row, out var position) ? position : null;
}
