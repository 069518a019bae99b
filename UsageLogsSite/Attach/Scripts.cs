using System.Text.RegularExpressions;

namespace UsageLogsSite.Attach;

/// <summary>The SQL that attaching runs, with places to be filled: <c>{name}</c>.</summary>
internal static partial class Scripts
{
    /// <summary>Reads one of the scripts in this folder.</summary>
    internal static string Read(string name)
    {
        using var stream = typeof(Scripts).Assembly.GetManifestResourceStream($"attach.{name}.sql")
            ?? throw new FileNotFoundException($"The script '{name}' is not embedded in the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Fills places; braces that are none stay, such as those of an array. What is filled in is not looked through again.</summary>
    internal static string Fill(string script, Dictionary<string, string> places) =>
        Place().Replace(script, match => places.TryGetValue(match.Groups[1].Value, out var value) ? value : match.Value);

    /// <summary>A text as SQL writes it.</summary>
    internal static string Text(string value)
    {
        var text = $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
        return value.Contains('\\', StringComparison.Ordinal) ? "E" + text.Replace(@"\", @"\\", StringComparison.Ordinal) : text;
    }

    [GeneratedRegex(@"\{([a-z_]+)\}")]
    private static partial Regex Place();
}
