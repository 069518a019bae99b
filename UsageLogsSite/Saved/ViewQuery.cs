using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Saved;

/// <summary>What a view stands for: a query of the visitor's <c>/usage</c>, read and written again by its filter, so that it is never more than one.</summary>
/// <param name="visitor">Whose page it is: the list of users, or a member's own usage.</param>
/// <param name="savesData">Whether they save data.</param>
internal sealed class ViewQuery(Visitor visitor, bool savesData)
{
    /// <summary>The canonical query of the first page; values that are not allowed become the default.</summary>
    /// <param name="query">Whatever was sent or stored.</param>
    internal string Of(string query) => Read(query, leadsOn: false);

    /// <summary>The query that the reader is led to from there: who saves data gets fewer rows where none are named.</summary>
    /// <param name="query">Whatever was sent or stored.</param>
    internal string ShownAt(string query) => Read(query, leadsOn: savesData);

    /// <summary>The address of the reader's page with a query, wherever in the list it is.</summary>
    /// <param name="query">Whatever was sent.</param>
    internal string AddressOf(string query) =>
        "/usage" + (visitor.Scope == Scope.Everything ? UsageFilter.Parse(Parse(query), savesData).QueryString : UserFilter.Parse(Parse(query), savesData).QueryString);

    private string Read(string query, bool leadsOn)
    {
        var parsed = Parse(query);
        var isLight = leadsOn && parsed.Size(0) == 0;
        if (visitor.Scope != Scope.Everything)
        {
            var own = UserFilter.Parse(parsed, savesData) with { Before = null };
            return (isLight ? own.Light() : own).QueryString;
        }

        var list = UsageFilter.Parse(parsed, savesData) with { Page = 1 };
        return (isLight ? list.Light() : list).QueryString;
    }

    private static QueryCollection Parse(string query) => new(QueryHelpers.ParseQuery(query));
}
