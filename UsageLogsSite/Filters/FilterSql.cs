using System.Globalization;
using Npgsql;

namespace UsageLogsSite.Filters;

/// <summary>A filter as conditions of a hand-written statement, and the parameters of that statement.</summary>
/// <param name="filter">Whom to keep.</param>
/// <param name="now">The end of the sliding windows, in UTC.</param>
internal sealed class FilterSql(UsageFilter filter, DateTime now)
{
    private readonly List<NpgsqlParameter> _parameters = [];

    /// <summary>The parameters added so far.</summary>
    internal object[] Parameters => [.. _parameters];

    /// <summary>In which direction rows and their ids are ordered.</summary>
    internal string Direction => filter.Descending ? "DESC" : "ASC";

    /// <summary>Adds a parameter.</summary>
    /// <returns>What stands for it in the statement.</returns>
    internal string Add<T>(T value)
    {
        var name = "p" + _parameters.Count.ToString(CultureInfo.InvariantCulture);
        _parameters.Add(new NpgsqlParameter<T>(name, value));
        return "@" + name;
    }

    /// <summary>A further condition on a column <c>user_type</c>.</summary>
    internal string OfType(string table) => filter.Type == TypeFilter.All ? "" : $"AND {table}.user_type = {Add(Names.Of(filter.Type))}";

    /// <summary>A further condition on a column <c>last_activity</c>.</summary>
    internal string InWindow(string table) => UsageFilterQueries.WindowStart(filter.Activity, now) is { } start
        ? $"AND {table}.last_activity {(filter.Activity == ActivityFilter.Inactive ? "<" : ">=")} {Add(start)}" : "";

    /// <summary>The condition that a user contains what is searched for; the database makes both sides lower case, in the same way.</summary>
    internal string Matching(string users) => $@"{users}.search_text LIKE lower({Add(SearchPattern(filter.Search))}) ESCAPE '\'";

    /// <summary>The page's place in the order.</summary>
    internal string Limit() => $"LIMIT {Add(filter.Size)} OFFSET {Add((filter.Page - 1) * filter.Size)}";

    /// <summary>The pattern for LIKE, with a backslash as escape, of whatever contains a text.</summary>
    internal static string SearchPattern(string text) => $"%{text
        .Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("%", @"\%", StringComparison.Ordinal)
        .Replace("_", @"\_", StringComparison.Ordinal)}%";
}
