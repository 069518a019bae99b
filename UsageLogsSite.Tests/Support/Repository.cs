using System.Text.RegularExpressions;

namespace UsageLogsSite.Tests.Support;

/// <summary>Where the source is.</summary>
internal static class Repository
{
    internal static string Root { get; } = Find();

    /// <summary>The commands that a document gives an operator: its one block for a shell that has a text in it.</summary>
    internal static string ShellCommands(string document, string text) =>
        Regex.Matches(File.ReadAllText(Path.Combine(Root, document)), "```sh\n(.*?)```", RegexOptions.Singleline)
            .Select(block => block.Groups[1].Value)
            .Single(commands => commands.Contains(text, StringComparison.Ordinal));

    /// <summary>Copies files and folders of the source elsewhere, without what builds left there.</summary>
    internal static void CopyTo(string directory, params string[] names)
    {
        foreach (var name in names)
        {
            var source = Path.Combine(Root, name);
            var files = File.Exists(source) ? [source] : Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories);
            foreach (var file in files.Where(f => !Regex.IsMatch(Path.GetRelativePath(Root, f), "(^|/)(bin|obj|lib)/")))
            {
                var copy = Path.Combine(directory, Path.GetRelativePath(Root, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "UsageLogsSite.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
