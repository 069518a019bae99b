using System.Globalization;
using Spectre.Console;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>Tables of figures, ready for a README.</summary>
internal static class Report
{
    /// <summary>Prints a table whose first column is text and all others are figures.</summary>
    internal static void Print(IReadOnlyList<string> titles, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Markdown);
        for (var i = 0; i < titles.Count; i++)
            table.AddColumn(i == 0 ? new TableColumn(titles[i]).NoWrap() : new TableColumn(titles[i]).RightAligned().NoWrap());
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 200);
        AnsiConsole.Write(table);
    }

    /// <summary>A figure; a dash for none.</summary>
    internal static string N(double value, int digits = 0) => double.IsNaN(value) ? "–" : value.ToString($"N{digits}", CultureInfo.InvariantCulture);

    /// <summary>A part of something, in percent.</summary>
    internal static string Share(double part, double whole) => $"{N(100 * part / whole)} %";
}
