using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// What a widget shows: a question of the site's own pages, of which the reader chooses the page and the order by a column that is
/// shown, and nothing else. Its key names the widget, so what was made for one reaches no other.
/// </summary>
internal sealed record EmbedQuestion : Question
{
    /// <summary>All columns that a widget can show, beside the user's name or the time.</summary>
    internal static readonly IReadOnlyList<string> Columns = ["email", "requests", "tokens", "credits", "cost", "revenue", "paid", "last-activity"];

    private EmbedQuestion(Embed embed, Viewer? viewer, string path, Question shown, string query)
        : base(shown.Scope)
    {
        (Embed, Viewer, Path, Shown, Query) = (embed, viewer, path, shown, query);
    }

    /// <summary>The widget.</summary>
    internal Embed Embed { get; }

    /// <summary>Who looks at it, where each viewer sees their own usage; null where all see the same.</summary>
    internal Viewer? Viewer { get; }

    /// <summary>The path of the widget's page; it has the token in it.</summary>
    internal string Path { get; }

    /// <summary>Whether it is only looked at by its maker: it has no address, so nothing in it leads anywhere or is live.</summary>
    internal bool IsPreview => Path.Length == 0;

    /// <summary>What is asked of the database.</summary>
    internal Question Shown { get; }

    /// <summary>What the reader chose: the query of the widget's page.</summary>
    internal string Query { get; }

    /// <inheritdoc />
    internal override string Address => Path + Query;

    /// <inheritdoc />
    internal override string Name => $"embed {Embed.Id}{Query}";

    /// <summary>What a request to a widget asks, whatever else its query says.</summary>
    /// <param name="embed">The widget.</param>
    /// <param name="viewer">Who looks at one that shows each viewer their own usage, else null.</param>
    /// <param name="path">The path of its page.</param>
    /// <param name="query">The request's query.</param>
    internal static EmbedQuestion Of(Embed embed, Viewer? viewer, string path, IQueryCollection query)
    {
        if (embed.IsPerViewer && viewer is null)
            throw new ArgumentNullException(nameof(viewer), "A widget for each viewer shows nothing to nobody.");
        var locked = new QueryCollection(QueryHelpers.ParseQuery(embed.Filter));
        if ((viewer?.UserId ?? embed.UserId) is { } userId)
        {
            var filter = UserFilter.Parse(locked) with { Before = LogCursor.Parse(query.First("before")) };
            return new(embed, viewer, path, new UserQuestion(Scope.Of(userId), userId, filter), QueryOf(filter));
        }

        var chosen = Choose(UsageFilter.Parse(locked), embed, query);
        return new(embed, viewer: null, path, new TableQuestion(chosen), QueryOf(embed, chosen));
    }

    /// <summary>What its maker looks at before anybody else can.</summary>
    /// <param name="embed">The widget; it need not be in a table.</param>
    /// <param name="isPerViewer">Whether it shows each viewer their own usage: a preview has no viewer, and shows nobody's.</param>
    internal static EmbedQuestion ForPreview(Embed embed, bool isPerViewer) =>
        Of(embed, isPerViewer ? new Viewer(Guid.Empty, DateTime.MaxValue) : null, path: "", QueryCollection.Empty);

    /// <summary>The query of the widget's page that shows a list.</summary>
    internal static string QueryOf(Embed embed, UsageFilter filter)
    {
        var locked = UsageFilter.Parse(new QueryCollection(QueryHelpers.ParseQuery(embed.Filter)));
        var parameters = new Dictionary<string, string?>();
        if ((filter.Sort, filter.Descending) != (locked.Sort, locked.Descending))
        {
            parameters.Add("sort", Names.Of(filter.Sort));
            if (filter.Descending != UsageFilter.DescendsByDefault(filter.Sort))
                parameters.Add("dir", filter.Descending ? "desc" : "asc");
        }

        if (filter.Page != 1)
            parameters.Add("page", filter.Page.ToString(CultureInfo.InvariantCulture));
        return QueryHelpers.AddQueryString("", parameters);
    }

    /// <summary>The query of the widget's page that shows one user.</summary>
    internal static string QueryOf(UserFilter filter) => filter.Before is { } before ? $"?before={before}" : "";

    /// <summary>Whether a widget shows a column.</summary>
    internal static bool Shows(Embed embed, string column) => embed.Columns.Contains(column);

    /// <inheritdoc />
    internal override bool IsCanonical(IQueryCollection query) => true; // other parameters mean nothing here, and a redirect would repeat the token

    /// <inheritdoc />
    private protected override EmbedQuestion Light() => this; // its size is its maker's choice

    /// <summary>Widgets never change, so the id stands for all of one.</summary>
    public bool Equals(EmbedQuestion? other) => other is not null && Embed.Id == other.Embed.Id && Path == other.Path && Shown == other.Shown;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Embed.Id, Shown);

    /// <summary>Without the token.</summary>
    public override string ToString() => Name;

    // The order of a column that is hidden would tell what is in it.
    private static UsageFilter Choose(UsageFilter locked, Embed embed, IQueryCollection query)
    {
        var chosen = UsageFilter.Parse(query);
        var isSorted = query.First("sort") == Names.Of(chosen.Sort) && (chosen.Sort == UsageSort.Name || Shows(embed, Names.Of(chosen.Sort)));
        return isSorted
            ? locked with { HasTrend = false, Page = chosen.Page, Sort = chosen.Sort, Descending = chosen.Descending }
            : locked with { HasTrend = false, Page = chosen.Page };
    }
}
