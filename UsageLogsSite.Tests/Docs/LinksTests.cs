using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Docs;

/// <summary>What the documents point at is there: files, headings, and tests named as evidence.</summary>
public sealed class LinksTests
{
    public static TheoryData<string> Documents =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md"))
            .Select(path => Path.GetRelativePath(Repository.Root, path))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_into_the_repository_leads_somewhere(string document)
    {
        var path = Path.Combine(Repository.Root, document);
        foreach (var target in Regex.Matches(WithoutCode(File.ReadAllText(path)), @"\]\(([^)\s]+)\)").Select(link => link.Groups[1].Value))
        {
            if (target.Contains("://", StringComparison.Ordinal))
                continue;
            var (file, heading) = target.Split('#', 2) is [var before, var after] ? (before, after) : (target, null);
            var there = file.Length == 0 ? path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, file));
            Assert.True(File.Exists(there) || Directory.Exists(there), $"{document}: {target}");
            if (heading is not null)
                Assert.True(Headings(there).Contains(heading), $"{document}: {target}; there are {string.Join(", ", Headings(there))}");
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_test_that_is_named_exists(string document)
    {
        var known = typeof(LinksTests).Assembly.GetTypes().Select(type => type.Name).ToHashSet();
        var text = File.ReadAllText(Path.Combine(Repository.Root, document));
        foreach (var name in Regex.Matches(text, @"\b[A-Z]\w+Tests\b").Select(match => match.Value))
            Assert.True(known.Contains(name), $"{document} names {name}");
    }

    /// <summary>As code hosts make them: lower case, hyphens for blanks, without punctuation.</summary>
    private static HashSet<string> Headings(string document) =>
        [.. Regex.Matches(WithoutCode(File.ReadAllText(document)), "^#+ (.+)$", RegexOptions.Multiline)
            .Select(heading => Regex.Replace(heading.Groups[1].Value.Trim().ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-'))];

    private static string WithoutCode(string text) => Regex.Replace(text, "```.*?```", "", RegexOptions.Singleline);
}
