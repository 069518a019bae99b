using UsageLogsSite.Filters;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>A question that readers ask.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Filter">What they want to see.</param>
internal sealed record Case(string Name, UsageFilter Filter)
{
    /// <summary>All questions.</summary>
    /// <param name="users">Number of users, for the pages in the middle and at the end.</param>
    internal static IReadOnlyList<Case> All(int users)
    {
        var last = (users + UsageFilter.DefaultSize - 1) / UsageFilter.DefaultSize;
        var all = new UsageFilter();
        return
        [
            new("default", all),
            new("page 20", all with { Page = Math.Min(20, last) }),
            new("page 500", all with { Page = Math.Min(500, last) }),
            new("middle page", all with { Page = (last + 1) / 2 }),
            new("last page", all with { Page = last }),
            .. Enum.GetValues<UsageSort>().Where(s => s != all.Sort).Select(s => new Case($"by {Names.Of(s)}", all.SortedBy(s))),
            new("by name, page 500", all.SortedBy(UsageSort.Name) with { Page = Math.Min(500, last) }),
            .. Enum.GetValues<ActivityFilter>().Where(a => a != all.Activity).Select(a => new Case(Names.Of(a), all with { Activity = a })),
            .. Enum.GetValues<TypeFilter>().Where(t => t != all.Type).Select(t => new Case(Names.Of(t), all with { Type = t })),
            new("internal, active-7d, by cost", all.SortedBy(UsageSort.Cost) with { Type = TypeFilter.Internal, Activity = ActivityFilter.Active7D }),
            .. UsagePeriod.Named.Where(p => p != all.Period).Select(p => new Case($"period: {p.Name}", all with { Period = p })),
            new("period: 30d, by cost", all.SortedBy(UsageSort.Cost) with { Period = UsagePeriod.Parse("30d") }),
            new("search: few", all with { Search = ".4321@" }),
            new("search: hundreds", all with { Search = "smith" }),
            new("search: all", all with { Search = "example" }),
            new("search: all, by name", all.SortedBy(UsageSort.Name) with { Search = "example" }),
            new("search: two letters", all with { Search = "an" }),
            new("search: none", all with { Search = "no such user" }),
        ];
    }
}
