using System.Text.Json;

namespace UsageLogsSite.Tests.Support;

/// <summary>What Chromium tells a screen reader of a page.</summary>
internal sealed record AccessibilityTree(IReadOnlyList<AccessibleNode> Roots)
{
    internal IEnumerable<AccessibleNode> All => Roots.SelectMany(r => r.All);

    /// <summary>The only table.</summary>
    internal AccessibleNode Table => Assert.Single(All, n => n.Role == "table");

    internal static async Task<AccessibilityTree> ReadAsync(Window window)
    {
        var session = await window.Context.NewCDPSessionAsync(window.Page);
        var nodes = (await session.SendAsync("Accessibility.getFullAXTree"))!.Value.GetProperty("nodes").EnumerateArray()
            .Where(n => Value(n, "role") != "InlineTextBox") // a line of a text; not even their ids are unique
            .ToDictionary(n => n.GetProperty("nodeId").GetString()!);
        await session.DetachAsync();
        return new AccessibilityTree([.. nodes.Values.Where(n => !n.TryGetProperty("parentId", out _)).SelectMany(n => Read(n, nodes))]);
    }

    /// <summary>A node, or the children of one that is of no use to a screen reader.</summary>
    private static IEnumerable<AccessibleNode> Read(JsonElement node, IReadOnlyDictionary<string, JsonElement> nodes)
    {
        var ids = node.TryGetProperty("childIds", out var found) ? found.EnumerateArray().Select(id => id.GetString()!) : [];
        var children = ids.Where(nodes.ContainsKey).SelectMany(id => Read(nodes[id], nodes)).ToList();
        if (node.GetProperty("ignored").GetBoolean())
            return children;
        var properties = node.TryGetProperty("properties", out var all) ? all.EnumerateArray().ToDictionary(p => p.GetProperty("name").GetString()!, p => Value(p, "value")) : [];
        return [new AccessibleNode(Value(node, "role"), Value(node, "name"), properties, children)];
    }

    private static string Value(JsonElement node, string property) =>
        node.TryGetProperty(property, out var value) && value.TryGetProperty("value", out var text) ? text.ToString() : "";
}

/// <summary>An element as a screen reader knows it.</summary>
/// <param name="Role">What it is: <c>row</c>, <c>button</c> …</param>
/// <param name="Name">What it is called; empty if it is not.</param>
/// <param name="Properties">What else is said of it, as <c>live</c>.</param>
/// <param name="Children">What is in it.</param>
internal sealed record AccessibleNode(string Role, string Name, IReadOnlyDictionary<string, string> Properties, IReadOnlyList<AccessibleNode> Children)
{
    /// <summary>This and all in it.</summary>
    internal IEnumerable<AccessibleNode> All => Children.SelectMany(c => c.All).Prepend(this);

    /// <summary>All that is read out of it.</summary>
    internal string Text => string.Join(' ', All.Where(n => n.Role == "StaticText").Select(n => n.Name.Trim()));

    /// <summary>The rows of a table, each with its cells in order.</summary>
    internal IReadOnlyList<IReadOnlyList<AccessibleNode>> Rows =>
        [.. All.Where(n => n.Role == "row").Select(row => row.Children.Where(c => c.Role is "columnheader" or "rowheader" or "cell" or "gridcell").ToList())];
}
