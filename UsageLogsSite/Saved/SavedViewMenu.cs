using UsageLogsSite.Data;

namespace UsageLogsSite.Saved;

/// <summary>The views that a reader can choose from, and which of them is open.</summary>
internal sealed class SavedViewMenu
{
    /// <param name="views">The reader's views, in order.</param>
    /// <param name="opened">The view that was opened last; null for none.</param>
    /// <param name="present">The query of the page that is shown, with its place in the list.</param>
    /// <param name="queries">What the reader's views stand for.</param>
    internal SavedViewMenu(IReadOnlyList<SavedView> views, Guid? opened, string present, ViewQuery queries)
    {
        Query = present;
        Views = [.. views.Select(view => new SavedViewLink(view.Id, view.Name, queries.ShownAt(view.Query), view.Id == opened))];
        Plain = queries.ShownAt("");

        // What is shown counts more than what was opened: somebody may have gone elsewhere, or chosen just that by hand.
        var filter = queries.Of(present);
        Current = Views.Where(view => view.Query == filter).MaxBy(view => view.IsOpened);
        IsPlain = Current is null && filter == Plain;
        IsChanged = !IsPlain && Current is null && Views.Any(view => view.IsOpened);
        if (IsChanged)
            Current = Views.First(view => view.IsOpened);
    }

    /// <summary>The query of the page that is shown, which would be saved.</summary>
    public string Query { get; }

    /// <summary>All views.</summary>
    public IReadOnlyList<SavedViewLink> Views { get; }

    /// <summary>The query of the page that nothing was chosen on.</summary>
    public string Plain { get; }

    /// <summary>Whether just that is shown, and no view is the same.</summary>
    public bool IsPlain { get; }

    /// <summary>The view that is open; null for none.</summary>
    public SavedViewLink? Current { get; }

    /// <summary>The view that was opened last; null for none.</summary>
    public SavedViewLink? Opened => Views.FirstOrDefault(view => view.IsOpened);

    /// <summary>Whether the open view was opened and something else chosen since.</summary>
    public bool IsChanged { get; }
}

/// <summary>A view to choose.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Query">The query that it leads this reader to.</param>
/// <param name="IsOpened">Whether it was opened last.</param>
internal sealed record SavedViewLink(Guid Id, string Name, string Query, bool IsOpened);
