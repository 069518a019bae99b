using System.Globalization;
using System.Text.RegularExpressions;

namespace UsageLogsSite.Tests.Telemetry;

/// <summary>A strict reader of Prometheus's text format 0.0.4: what it does not know, it does not let pass.</summary>
internal sealed partial class PrometheusText
{
    private readonly Dictionary<string, string> _types = [];
    private readonly Dictionary<string, double> _series = [];
    private readonly Dictionary<string, HashSet<string>> _labels = [];

    private PrometheusText(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        string? family = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line == "# EOF")
                continue;
            if (Type().Match(line) is { Success: true } type)
                Assert.True(_types.TryAdd(family = type.Groups[1].Value, type.Groups[2].Value), $"{family} comes twice.");
            else if (!Comment().IsMatch(line))
                Add(family, line);
        }

        Assert.All(_types.Where(t => t.Value == "histogram"), t => CheckHistogram(t.Key));
    }

    /// <summary>The families that have at least one series.</summary>
    internal IReadOnlyCollection<string> Families => _labels.Keys;

    internal static PrometheusText Parse(string text) => new(text);

    /// <summary>Names of samples: families, and a histogram's parts.</summary>
    internal bool Has(string name) => _series.Keys.Any(key => key.StartsWith(name + "{", StringComparison.Ordinal));

    /// <summary>The names of a family's labels.</summary>
    internal IReadOnlySet<string> LabelsOf(string family) => _labels[family];

    /// <summary>The sum of a name's series whose labels hold a text.</summary>
    internal double Sum(string name, string containing = "") =>
        _series.Where(s => s.Key.StartsWith(name + "{", StringComparison.Ordinal) && s.Key.Contains(containing, StringComparison.Ordinal)).Sum(s => s.Value);

    private void Add(string? family, string line)
    {
        var sample = Sample().Match(line);
        Assert.True(sample.Success, $"This is no sample: {line}");
        var name = sample.Groups["name"].Value;
        Assert.True(family is not null && IsOf(name, family), $"{name} stands below {family}.");
        Assert.True(_series.TryAdd($"{name}{{{sample.Groups["labels"].Value}}}", Number(sample.Groups["value"].Value)), $"This series comes twice: {line}");
        if (!_labels.TryGetValue(family!, out var labels))
            _labels.Add(family!, labels = []);
        labels.UnionWith(sample.Groups["label"].Captures.Select(c => c.Value));
    }

    private bool IsOf(string name, string family) => _types[family] == "histogram"
        ? name == family + "_bucket" || name == family + "_sum" || name == family + "_count"
        : name == family;

    private void CheckHistogram(string family)
    {
        foreach (var buckets in _series.Where(s => s.Key.StartsWith(family + "_bucket{", StringComparison.Ordinal)).GroupBy(s => Bound().Replace(s.Key, "")))
        {
            var counts = buckets.Select(b => (Bound: Number(Bound().Match(b.Key).Groups[1].Value), b.Value)).ToList();
            Assert.Equal(counts.OrderBy(c => c.Bound), counts);
            Assert.Equal(counts.Select(c => c.Value).Order(), counts.Select(c => c.Value));
            Assert.Equal(double.PositiveInfinity, counts[^1].Bound);
            Assert.Equal(_series[buckets.Key.Replace("_bucket{", "_count{", StringComparison.Ordinal)], counts[^1].Value);
        }
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex("^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$")]
    private static partial Regex Type();

    [GeneratedRegex("^# (HELP|UNIT) [a-zA-Z_:][a-zA-Z0-9_:]* ")]
    private static partial Regex Comment();

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]|\\["\\n])*"(,(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]|\\["\\n])*")*)?\})? (?<value>[+-]?(Inf|[0-9.]+([eE][+-]?[0-9]+)?)|NaN)( [0-9]+)?$""")]
    private static partial Regex Sample();

    [GeneratedRegex(""",?le="([^"]*)" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Bound();
}
