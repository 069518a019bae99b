using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace UsageLogsSite.Data.Configuration;

/// <summary>Column rules that several tables share.</summary>
internal static class Checks
{
    /// <summary>Room for 10 billion units of a ten-billionth each: sums stay inside <see cref="decimal"/>.</summary>
    internal const string Amount = "numeric(20,10)";

    internal static PropertyBuilder<TEnum> StoredInLowerCase<TEnum>(this PropertyBuilder<TEnum> property)
        where TEnum : struct, Enum =>
        property.HasColumnType("text").HasConversion(
            value => value.ToString().ToLowerInvariant(),
            text => Enum.Parse<TEnum>(text, ignoreCase: true));

    internal static void IsOneOf<TEnum>(this TableBuilder table, string column)
        where TEnum : struct, Enum =>
        table.HasCheckConstraint(
            $"ck_{table.Name}_{column}",
            $"{column} IN ({string.Join(", ", Enum.GetNames<TEnum>().Select(name => $"'{name.ToLowerInvariant()}'"))})");

    /// <summary>NaN sorts above every number, so the upper bound refuses it too.</summary>
    internal static void IsNotNegative(this TableBuilder table, string column) =>
        table.HasCheckConstraint($"ck_{table.Name}_{column}", $"{column} >= 0 AND {column} <> 'NaN'");

    internal static void IsNotNegativeInteger(this TableBuilder table, string column) =>
        table.HasCheckConstraint($"ck_{table.Name}_{column}", $"{column} >= 0");

    /// <summary>Keeps times in what .NET can hold, and refuses infinity.</summary>
    internal static void IsTime(this TableBuilder table, string column) =>
        table.HasCheckConstraint(
            $"ck_{table.Name}_{column}",
            $"{column} >= '1970-01-01 00:00:00+00' AND {column} < '2200-01-01 00:00:00+00'");

    internal static void IsAtMost(this TableBuilder table, string column, int characters) =>
        table.HasCheckConstraint($"ck_{table.Name}_{column}", $"char_length({column}) <= {characters}");
}
