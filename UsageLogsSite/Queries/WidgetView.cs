using System.Text;
using UsageLogsSite.Data;

namespace UsageLogsSite.Queries;

/// <summary>What a widget shows at one moment. What its columns hide is not in it, so that not even its version tells of it.</summary>
internal sealed record WidgetView : LiveView
{
    private WidgetView(EmbedQuestion question, LiveView shown, string query)
        : base(question.Path + query, ContentHash.Of(Encoding.UTF8.GetBytes($"{question.Embed.Id} {question.Viewer?.UserId} {shown.Version}")), shown.NextExpiry)
    {
        (Question, Shown, Query) = (question, shown, query);
    }

    /// <summary>What was asked.</summary>
    public EmbedQuestion Question { get; }

    /// <summary>The answer, less what is hidden.</summary>
    public LiveView Shown { get; }

    /// <summary>The query of the widget's page that shows it: a page past the end has become the last one.</summary>
    public string Query { get; }

    /// <inheritdoc />
    internal override int RowCount => Shown.RowCount;

    /// <summary>What is left of an answer for a widget.</summary>
    internal static WidgetView Of(EmbedQuestion question, LiveView answer) => answer switch
    {
        UsageView list => new(question, Hide(question.Embed, list), EmbedQuestion.QueryOf(question.Embed, list.Filter)),
        UserView user => new(question, Hide(question.Embed, user), question.Query),
        _ => throw new InvalidOperationException($"No widget shows a {answer.GetType().Name}."),
    };

    private static UsageView Hide(Embed embed, UsageView view)
    {
        bool Shows(string column) => EmbedQuestion.Shows(embed, column);
        var (sums, rows) = (view.Summary, view.Rows);
        return new UsageView(
            view.Filter,
            new UsageSummary(
                sums.Users, Shows("last-activity") ? sums.ActiveUsers : 0, Shows("requests") ? sums.Requests : 0, Shows("tokens") ? sums.Tokens : 0,
                Shows("cost") ? sums.CostUsd : 0, Shows("revenue") ? sums.RevenueUsd : 0),
            [.. rows.Select(row => new UsageRow(
                row.UserId,
                row.Name,
                Shows("email") ? row.Email : "",
                UserType.External,
                default,
                Shows("requests") ? row.Requests : 0,
                Shows("tokens") ? row.Tokens : 0,
                Shows("credits") ? row.CreditsUsed : 0,
                Shows("credits") ? row.CreditsBought : 0,
                Shows("cost") ? row.CostUsd : 0,
                Shows("revenue") ? row.RevenueUsd : 0,
                Shows("paid") ? Math.Min(row.CompletedPayments, 1) : 0,
                0,
                Shows("last-activity") ? row.LastActivity : null))],
            view.NextExpiry,
            view.Period is null ? null : view.Period with { Comparison = null });
    }

    private static UserView Hide(Embed embed, UserView view)
    {
        bool Shows(string column) => EmbedQuestion.Shows(embed, column);
        var sums = view.Sums;
        return new UserView(
            view.Question,
            view.User is null ? null : new ShownUser(view.User.UserId, "", "", UserType.External, default, 0, 0, 0, null, 0, []),
            new UserSums(
                Shows("requests") ? sums.Requests : 0, Shows("tokens") ? sums.Tokens : 0, Shows("credits") ? sums.CreditsUsed : 0, Shows("credits") ? sums.CreditsBought : 0,
                Shows("cost") ? sums.CostUsd : 0, Shows("revenue") ? sums.PaidUsd : 0),
            Shows("requests") ? [.. view.Days.Select(day => Shows("cost") ? day : day with { CostUsd = 0 })] : [],
            view.TimeZone,
            [.. view.Logs.Select(log => log with
            {
                PromptTokens = Shows("tokens") ? log.PromptTokens : 0,
                CompletionTokens = Shows("tokens") ? log.CompletionTokens : 0,
                Credits = Shows("credits") ? log.Credits : 0,
                CostUsd = Shows("cost") ? log.CostUsd : 0,
            })],
            view.IsLast,
            view.NextExpiry);
    }
}
