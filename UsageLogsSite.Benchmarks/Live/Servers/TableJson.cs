using UsageLogsSite.Queries;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>What a JSON client needs to draw the table.</summary>
internal sealed record TableJson(UsageSummary Summary, IReadOnlyList<UsageRow> Rows, int Page, int Pages)
{
    internal static TableJson Of(UsageView view) => new(view.Summary, view.Rows, view.Filter.Page, view.Pages);
}
