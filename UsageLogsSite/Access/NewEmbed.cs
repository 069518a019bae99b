using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Access;

/// <summary>Makes widgets of what people typed.</summary>
internal static class NewEmbed
{
    private const int MostOrigins = 20;

    /// <summary>A widget that can be added, for everybody who has its address.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="filter">What it shows: a query of <c>/usage</c>; values that are not allowed become the default.</param>
    /// <param name="user">The one user whose usage it shows; null for the list.</param>
    /// <param name="columns">The columns' names.</param>
    /// <param name="theme">Its colours.</param>
    /// <param name="origins">The origins whose pages may frame it.</param>
    /// <param name="expires">When it ends, in UTC; null for never.</param>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal static Embed Make(
        string name, string filter, Guid? user, IEnumerable<string> columns, EmbedTheme theme, IEnumerable<string> origins, DateTime? expires)
    {
        var embed = Make(name, columns, theme, origins, expires);
        (embed.UserId, embed.Filter) = (user, user is null ? ListFilter(filter) : OneUsersFilter(filter));
        return embed;
    }

    /// <summary>A widget that can be added, for each viewer on their own.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="filter">Which part of a viewer's usage it shows: a query of one user's page.</param>
    /// <param name="columns">The columns' names.</param>
    /// <param name="theme">Its colours.</param>
    /// <param name="origins">The origins whose pages may frame it.</param>
    /// <param name="expires">When it ends for all, in UTC; null for never.</param>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal static Embed MakePerViewer(
        string name, string filter, IEnumerable<string> columns, EmbedTheme theme, IEnumerable<string> origins, DateTime? expires)
    {
        var embed = Make(name, columns, theme, origins, expires);
        embed.Filter = OneUsersFilter(filter);
        return embed;
    }

    /// <summary>An origin as browsers write it. What else is in a header that names it would widen who may frame the widget.</summary>
    /// <exception cref="FormatException">It is none; the message says what is.</exception>
    internal static string OriginOf(string text)
    {
        if (Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
            && uri is { PathAndQuery: "/", Fragment: "", UserInfo: "" }
            && uri.IdnHost.Length > 0
            && uri.IdnHost.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':'))
        {
            var host = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost}]" : uri.IdnHost;
            return $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}";
        }

        throw new FormatException($"'{text}' is not an origin; allowed is https://host or https://host:port, and http:// for localhost only.");
    }

    private static Embed Make(string name, IEnumerable<string> columns, EmbedTheme theme, IEnumerable<string> origins, DateTime? expires)
    {
        name = name.Trim();
        if (name.Length is 0 or > Embed.LongestName || name.Any(char.IsControl))
            throw new FormatException($"A widget needs a name of at most {Embed.LongestName} characters.");
        string[] shown = [.. columns.Distinct()];
        if (shown.FirstOrDefault(c => !EmbedQuestion.Columns.Contains(c)) is { } unknown)
            throw new FormatException($"'{unknown}' is not a column; allowed is {string.Join(", ", EmbedQuestion.Columns)}.");
        string[] allowed = [.. origins.Select(OriginOf).Distinct()];
        if (allowed.Length > MostOrigins)
            throw new FormatException($"A widget can have {MostOrigins} origins at most.");
        return new Embed { Name = name, Columns = shown, Theme = theme, Origins = allowed, ExpiresAt = expires };
    }

    private static string ListFilter(string query) => (UsageFilter.Parse(Read(query)) with { Page = 1 }).QueryString;

    private static string OneUsersFilter(string query) => (UserFilter.Parse(Read(query)) with { Before = null }).QueryString;

    private static QueryCollection Read(string query) => new(QueryHelpers.ParseQuery(query));
}
