using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace UsageLogsSite.Filters;

/// <summary>
/// What a reader asked the usage table to show. Immutable and normalised: two requests that mean the same have equal
/// filters and the same <see cref="QueryString"/>, which names the filter set, the stream and the address of the page.
/// </summary>
internal sealed record UsageFilter
{
    internal const int DefaultSize = 25;
    internal const int MaxSearchLength = 100;

    /// <summary>Far beyond any real page, and safe to multiply by <see cref="Size"/>.</summary>
    internal const int MaxPage = 10_000_000;

    /// <summary>Whose usage: everybody's unless set.</summary>
    public TypeFilter Type { get; init; } = TypeFilter.All;

    /// <summary>How recently the users were active.</summary>
    public ActivityFilter Activity { get; init; } = ActivityFilter.All;

    /// <summary>When the usage was: all of it unless set. Who used and bought nothing then is left out.</summary>
    public UsagePeriod Period { get; init; }

    /// <summary>Part of a name or e-mail address; empty for no search. Trimmed, without control characters.</summary>
    public string Search { get; init; } = "";

    /// <summary>Whether a chart of requests a day stands above the rows.</summary>
    public bool HasChart { get; init; }

    /// <summary>Whether each row has a small chart of its user's last days.</summary>
    public bool HasTrend { get; init; }

    /// <summary>The column that orders the rows.</summary>
    public UsageSort Sort { get; init; } = UsageSort.LastActivity;

    /// <summary>Whether the order goes down.</summary>
    public bool Descending { get; init; } = true;

    /// <summary>The page shown, counted from 1.</summary>
    public int Page { get; init; } = 1;

    /// <summary>Rows on a page: one of <see cref="FilterQuery.Sizes"/>.</summary>
    public int Size { get; init; } = DefaultSize;

    /// <summary>Whether the address names the size even though it is the default: so it does where the reader's own default is another.</summary>
    public bool NamesDefaultSize { get; init; }

    /// <summary>Whether the filter leaves any user out.</summary>
    public bool IsNarrowed => Type != TypeFilter.All || Activity != ActivityFilter.All || Period != default || Search.Length > 0;

    /// <summary>The canonical query, with a leading question mark, or empty: defaults are dropped, the order is fixed.</summary>
    public string QueryString => QueryHelpers.AddQueryString("", Parameters());

    /// <summary>Reads a query; a value that is not allowed becomes the default.</summary>
    /// <param name="query">The query.</param>
    /// <param name="keepsSize">Whether a size that is named stays named, as for <see cref="Light"/> readers.</param>
    internal static UsageFilter Parse(IQueryCollection query, bool keepsSize = false)
    {
        var sort = Names.Parse(query.First("sort"), UsageSort.LastActivity);
        return new UsageFilter
        {
            Type = Names.Parse(query.First("type"), TypeFilter.All),
            Activity = Names.Parse(query.First("activity"), ActivityFilter.All),
            Period = UsagePeriod.Parse(query.First("period")),
            Search = CleanSearch(query.First("q")),
            HasChart = query.First("chart") == "days",
            HasTrend = query.First("trend") == "days",
            Sort = sort,
            Descending = query.First("dir") switch { "asc" => false, "desc" => true, _ => DescendsByDefault(sort) },
            Page = int.TryParse(query.First("page"), NumberStyles.None, CultureInfo.InvariantCulture, out var page)
                ? Math.Clamp(page, 1, MaxPage) : 1,
            Size = query.Size(DefaultSize),
            NamesDefaultSize = keepsSize && query.Size(0) == DefaultSize,
        };
    }

    /// <summary>Whether a query is already written the canonical way.</summary>
    internal bool IsCanonical(IQueryCollection query) => query.Is(Parameters());

    /// <summary>The same list from its first page, ordered by a column; a second choice of the same column turns the order.</summary>
    internal UsageFilter SortedBy(UsageSort sort) =>
        this with { Sort = sort, Descending = sort == Sort ? !Descending : DescendsByDefault(sort), Page = 1 };

    /// <summary>
    /// What an address that names no size leads a reader to who saves data: fewer rows, by an address that says so to everybody. A further page
    /// stays the one that the address means.
    /// </summary>
    internal UsageFilter Light() => Page == 1 ? this with { Size = DataSaving.PageSize } : this with { NamesDefaultSize = true };

    /// <summary>Names read upwards first, figures downwards.</summary>
    internal static bool DescendsByDefault(UsageSort sort) => sort != UsageSort.Name;

    private Dictionary<string, string?> Parameters()
    {
        var parameters = new Dictionary<string, string?>();
        Add("type", Type != TypeFilter.All, Names.Of(Type));
        Add("activity", Activity != ActivityFilter.All, Names.Of(Activity));
        Add("period", Period != default, Period.Name);
        Add("q", Search.Length > 0, Search);
        Add("chart", HasChart, "days");
        Add("trend", HasTrend, "days");
        Add("sort", Sort != UsageSort.LastActivity, Names.Of(Sort));
        Add("dir", Descending != DescendsByDefault(Sort), Descending ? "desc" : "asc");
        Add("page", Page != 1, Page.ToString(CultureInfo.InvariantCulture));
        Add("size", Size != DefaultSize || NamesDefaultSize, Size.ToString(CultureInfo.InvariantCulture));
        return parameters;

        void Add(string name, bool isSet, string value)
        {
            if (isSet)
                parameters.Add(name, value);
        }
    }

    /// <summary>PostgreSQL refuses NUL in text, and a broken surrogate cannot be encoded: neither can be part of a name.</summary>
    private static string CleanSearch(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return "";

        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar)
                continue;
            if (clean.Length + rune.Utf16SequenceLength > MaxSearchLength)
                break;
            clean.Append(rune);
        }

        return clean.ToString().Trim();
    }
}
