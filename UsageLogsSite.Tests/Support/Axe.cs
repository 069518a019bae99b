namespace UsageLogsSite.Tests.Support;

/// <summary>axe-core, which knows the rules of accessible pages.</summary>
internal static class Axe
{
    private static readonly string Script = File.ReadAllText(Path.Combine(Repository.Root, "node_modules", "axe-core", "axe.min.js"));

    /// <summary>All rules, and the one of WCAG 2.2 that axe has switched off; what is only half on the screen is judged too.</summary>
    private const string Run =
        """
        async () => (await axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })).violations
          .flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary.split("\n").slice(1).join(" ").trim()}`))
        """;

    /// <summary>What a page as it is now violates, one line for each place.</summary>
    /// <param name="window">Where the page is shown.</param>
    /// <param name="name">What each line begins with.</param>
    internal static async Task<IEnumerable<string>> ViolationsAsync(Window window, string name)
    {
        foreach (var frame in window.Page.Frames)
            await frame.EvaluateAsync(Script);
        return (await window.Page.EvaluateAsync<string[]>(Run)).Select(v => $"{name}: {v}");
    }
}
