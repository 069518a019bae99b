using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;

namespace UsageLogsSite.Filters;

/// <summary>
/// What a reader asked to see of one user's usage. Immutable and normalised, as <see cref="UsageFilter"/>; parameters that only the list of
/// users knows mean nothing here.
/// </summary>
internal sealed record UserFilter
{
    internal const int DefaultSize = 25;

    /// <summary>The longest name of a model that the database accepts, in characters.</summary>
    private const int LongestModel = 200;

    /// <summary>When the usage was: all of it unless set.</summary>
    public UsagePeriod Period { get; init; }

    /// <summary>The model whose logs are listed, by its exact name; null for all. Sums and charts are of all models.</summary>
    public string? Model { get; init; }

    /// <summary>How the listed logs ended.</summary>
    public StatusFilter Status { get; init; }

    /// <summary>Whether some logs of the period are left out of the list.</summary>
    public bool IsNarrowed => Model is not null || Status != StatusFilter.All;

    /// <summary>Whether the list has all purchases, not only the newest.</summary>
    public bool AllPurchases { get; init; }

    /// <summary>The log that comes just before the first one shown; null for the newest.</summary>
    public LogCursor? Before { get; init; }

    /// <summary>Logs shown: one of <see cref="FilterQuery.Sizes"/>.</summary>
    public int Size { get; init; } = DefaultSize;

    /// <summary>Whether the address names the size even though it is the default.</summary>
    public bool NamesDefaultSize { get; init; }

    /// <summary>The canonical query, with a leading question mark, or empty.</summary>
    public string QueryString => QueryHelpers.AddQueryString("", Parameters());

    /// <summary>Reads a query; a value that is not allowed becomes the default.</summary>
    internal static UserFilter Parse(IQueryCollection query, bool keepsSize = false) => new()
    {
        Period = UsagePeriod.Parse(query.First("period")),
        Model = ParseModel(query.First("model")),
        Status = Names.Parse(query.First("status"), StatusFilter.All),
        AllPurchases = query.First("purchases") == "all",
        Before = LogCursor.Parse(query.First("before")),
        Size = query.Size(DefaultSize),
        NamesDefaultSize = keepsSize && query.Size(0) == DefaultSize,
    };

    /// <summary>Whether a query is already written the canonical way.</summary>
    internal bool IsCanonical(IQueryCollection query) => query.Is(Parameters());

    /// <summary>What an address that names no size leads a reader to who saves data, as <see cref="UsageFilter.Light"/>.</summary>
    internal UserFilter Light() => Before is null ? this with { Size = DataSaving.PageSize } : this with { NamesDefaultSize = true };

    private Dictionary<string, string?> Parameters()
    {
        var parameters = new Dictionary<string, string?>();
        if (Period != default)
            parameters.Add("period", Period.Name);
        if (Model is not null)
            parameters.Add("model", Model);
        if (Status != StatusFilter.All)
            parameters.Add("status", Names.Of(Status));
        if (AllPurchases)
            parameters.Add("purchases", "all");
        if (Before is { } before)
            parameters.Add("before", before.ToString());
        if (Size != DefaultSize || NamesDefaultSize)
            parameters.Add("size", Size.ToString(CultureInfo.InvariantCulture));
        return parameters;
    }

    /// <summary>A name that no log can have names no model.</summary>
    private static string? ParseModel(string? name) =>
        name is not null && name.EnumerateRunes().Count() <= LongestModel && !name.Contains('\0', StringComparison.Ordinal) ? name : null;
}

/// <summary>A log's place in the order of a user's logs, newest first: a page begins after it, however many come on top meanwhile.</summary>
/// <param name="At">The log's time, in UTC, to the microsecond as PostgreSQL keeps it.</param>
/// <param name="Id">The log's id.</param>
internal readonly record struct LogCursor(DateTime At, Guid Id)
{
    /// <summary>Later than any log may be.</summary>
    private static readonly DateTime End = new(2200, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>The place in addresses: microseconds since 1970, and the id in hexadecimal digits.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(At - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}-{Id:N}");

    /// <summary>The place that a text names; null where it names none.</summary>
    internal static LogCursor? Parse(string? text)
    {
        if (text?.Split('-') is not [var at, var id]
            || !long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            || microseconds > (End - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
            || !Guid.TryParseExact(id, "N", out var log))
        {
            return null;
        }

        // Written in one way only: other digits for the same place would be another address.
        var cursor = new LogCursor(DateTime.UnixEpoch.AddMicroseconds(microseconds), log);
        return cursor.ToString() == text ? cursor : null;
    }
}
