using System.Text.RegularExpressions;
using Npgsql;

namespace UsageLogsSite.Data;

/// <summary>
/// The schema that holds the site's tables: the first one of the connection string's <c>Search Path</c>. Statements name no schema, so that
/// the server finds the tables by that path; what runs with another one, functions and migrations, names it.
/// </summary>
public static partial class DatabaseSchema
{
    /// <summary>Where the tables are when a connection string says nothing.</summary>
    public const string Default = "public";

    /// <summary>The schema of a connection string.</summary>
    /// <param name="connectionString">An Npgsql connection string.</param>
    /// <returns>A name that needs no quotes.</returns>
    /// <exception cref="FormatException">The name would need quotes; the message is for people.</exception>
    public static string Of(string? connectionString)
    {
        var path = new NpgsqlConnectionStringBuilder(connectionString).SearchPath;
        var first = path?.Split(',')[0].Trim().Trim('"');
        if (string.IsNullOrEmpty(first) || first == "$user")
            return Default;
        return PlainName().IsMatch(first)
            ? first
            : throw new FormatException($"Search Path begins with {first}; allowed is a name of small letters, digits and underscores");
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$")]
    private static partial Regex PlainName();
}
