using System.Text.Json;
using System.Text.Json.Serialization;

namespace UsageLogsSite.Attach;

/// <summary>Where the rows of one of our tables come from.</summary>
/// <param name="From">The product's table, as SQL names it, with its schema.</param>
/// <param name="Columns">For each of our columns an SQL expression over one row of the product's table.</param>
/// <param name="Key">The column that is unique there; null takes the primary key.</param>
/// <param name="Where">Which rows are copied: an SQL condition; null copies all.</param>
internal sealed record TableMap(string From, IReadOnlyDictionary<string, string> Columns, string? Key = null, string? Where = null)
{
    /// <summary>What generated functions are quoted with; no expression may end it.</summary>
    internal const string Quote = "$attach$";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Our tables that can be copies, in the order in which rows need each other, with their columns; true for those that every map must give.</summary>
    internal static IReadOnlyDictionary<string, IReadOnlyDictionary<string, bool>> Targets { get; } = new Dictionary<string, IReadOnlyDictionary<string, bool>>
    {
        ["users"] = Named("id! email! name user_type created_at"),
        ["usage_logs"] = Named("id! user_id! model! prompt_tokens completion_tokens credits cost_usd status created_at!"),
        ["credit_purchases"] = Named("id! user_id! amount_usd! credits status! created_at!"),
    };

    /// <summary>Reads a file of maps, one for each of our tables; that of purchases may be missing.</summary>
    /// <exception cref="AttachException">The file cannot be understood, or lacks something.</exception>
    internal static IReadOnlyDictionary<string, TableMap> Read(string json)
    {
        Dictionary<string, TableMap> maps;
        try
        {
            maps = JsonSerializer.Deserialize<Dictionary<string, TableMap>>(json, Format) ?? [];
        }
        catch (JsonException e)
        {
            throw new AttachException($"The map cannot be read: {e.Message} An example is in docs/attach.md.", e);
        }

        foreach (var name in maps.Keys.Where(name => !Targets.ContainsKey(name)))
            throw new AttachException($"The map names the table '{name}'; allowed is {string.Join(", ", Targets.Keys)}.");
        foreach (var name in Targets.Keys.Where(name => name != "credit_purchases" && !maps.ContainsKey(name)))
            throw new AttachException($"The map lacks the table {name}.");
        foreach (var (target, map) in maps)
            map.Check(target);
        return Targets.Keys.Where(maps.ContainsKey).ToDictionary(target => target, target => maps[target]);
    }

    /// <summary>Reads a map as it is stored.</summary>
    internal static TableMap Parse(string json) => JsonSerializer.Deserialize<TableMap>(json, Format)!;

    /// <summary>The map as it is stored.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, Format);

    private void Check(string target)
    {
        var columns = Targets[target];
        foreach (var name in Columns.Keys.Where(name => !columns.ContainsKey(name)))
            throw new AttachException($"The map gives {target} a column '{name}'; allowed is {string.Join(", ", columns.Keys)}.");
        foreach (var name in columns.Where(column => column.Value && !Columns.ContainsKey(column.Key)).Select(column => column.Key))
            throw new AttachException($"The map of {target} lacks the column {name}.");
        if (Columns.Values.Append(Where ?? "").Any(text => text.Contains(Quote, StringComparison.Ordinal)))
            throw new AttachException($"The map of {target} has {Quote} in it, which is kept for the site's own functions.");
    }

    private static Dictionary<string, bool> Named(string names) =>
        names.Split(' ').ToDictionary(name => name.TrimEnd('!'), name => name.EndsWith('!'));
}
