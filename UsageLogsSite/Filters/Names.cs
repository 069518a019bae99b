using System.Collections.Frozen;
using System.Text.Json;

namespace UsageLogsSite.Filters;

/// <summary>Whose usage a filter shows.</summary>
internal enum TypeFilter
{
    All,
    Internal,
    External,
}

/// <summary>How recently a user was active. The windows slide: a user leaves them when the time comes.</summary>
internal enum ActivityFilter
{
    All,
    Active24H,
    Active7D,
    Active30D,

    /// <summary>No activity in the last 30 days, or none at all.</summary>
    Inactive,
}

/// <summary>How the responses ended that a filter shows.</summary>
internal enum StatusFilter
{
    All,
    Succeeded,
    Failed,
}

/// <summary>The columns by which users can be ordered.</summary>
internal enum UsageSort
{
    LastActivity,
    Name,
    Requests,
    Tokens,
    Credits,
    Cost,
    Revenue,
}

/// <summary>The names of filter values in addresses: <c>last-activity</c>, <c>active-24h</c>.</summary>
internal static class Names
{
    /// <summary>The value with this name, or the default where there is none.</summary>
    internal static TEnum Parse<TEnum>(string? name, TEnum otherwise)
        where TEnum : struct, Enum =>
        name is not null && Table<TEnum>.Values.TryGetValue(name, out var value) ? value : otherwise;

    /// <summary>The name of a value.</summary>
    internal static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum => Table<TEnum>.Names[value];

    private static class Table<TEnum>
        where TEnum : struct, Enum
    {
        internal static readonly FrozenDictionary<TEnum, string> Names =
            Enum.GetValues<TEnum>().ToFrozenDictionary(value => value, NameOf);

        internal static readonly FrozenDictionary<string, TEnum> Values =
            Names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

        // Active24H would become "active24-h"; every other name follows the usual kebab case.
        private static string NameOf(TEnum value) => value switch
        {
            ActivityFilter.Active24H => "active-24h",
            ActivityFilter.Active7D => "active-7d",
            ActivityFilter.Active30D => "active-30d",
            _ => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()),
        };
    }
}
