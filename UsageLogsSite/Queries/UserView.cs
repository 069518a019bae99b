using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>One user's usage at one moment.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="User">Whose usage; null where there is no such user, or the asker may not see them.</param>
/// <param name="Sums">What it adds up to, in the period or in all.</param>
/// <param name="Days">The days of the chart, oldest first, without gaps.</param>
/// <param name="TimeZone">The id of the zone whose days they are.</param>
/// <param name="Logs">The logs shown, newest first.</param>
/// <param name="IsLast">Whether no older log is left.</param>
/// <param name="NextExpiry">When, in UTC, other days are shown.</param>
/// <param name="Use">What was used of which model on these days; null where nobody is told.</param>
/// <param name="Purchases">What was bought; null where nobody is told.</param>
internal sealed record UserView(
    UserQuestion Question, ShownUser? User, UserSums Sums, IReadOnlyList<UserDay> Days, string TimeZone, IReadOnlyList<LogRow> Logs, bool IsLast,
    DateTime? NextExpiry, UserUse? Use = null, UserPurchases? Purchases = null)
    : LiveView(Question.Address, ContentHash.Of(Question.Address, new { User, Sums, Days, TimeZone, IsLast, Use, Purchases }, Logs), NextExpiry)
{
    /// <inheritdoc />
    internal override int RowCount => Logs.Count;
}

/// <summary>Who a user is.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="Name">The user's name; may be empty.</param>
/// <param name="Email">The user's e-mail address.</param>
/// <param name="Type">Staff or customer.</param>
/// <param name="CreatedAt">When the user was created, in UTC.</param>
/// <param name="CreditsBought">Credits of completed purchases of all time.</param>
/// <param name="CreditsUsed">Credits used of all time.</param>
/// <param name="CompletedPayments">Number of completed purchases of all time.</param>
/// <param name="LastActivity">Time of the newest usage log of all time, in UTC; null if there is none.</param>
/// <param name="Version">The version of the user's row, for decisions.</param>
/// <param name="Notes">What owners wrote about the user, oldest first; empty for members.</param>
internal sealed record ShownUser(
    Guid UserId, string Name, string Email, UserType Type, DateTime CreatedAt, decimal CreditsBought, decimal CreditsUsed, int CompletedPayments,
    DateTime? LastActivity, uint Version, IReadOnlyList<ShownNote> Notes)
{
    /// <summary>The balance; below zero where more was used than bought.</summary>
    internal decimal CreditsLeft => CreditsBought - CreditsUsed;
}

/// <summary>What an owner wrote about a user.</summary>
/// <param name="Id">The note's id.</param>
/// <param name="Text">What it says.</param>
/// <param name="Who">The e-mail address of who wrote it.</param>
/// <param name="At">When, in UTC.</param>
internal sealed record ShownNote(Guid Id, string Text, string Who, DateTime At);

/// <summary>What a user's usage adds up to.</summary>
/// <param name="Requests">Number of usage logs.</param>
/// <param name="Tokens">Prompt and completion tokens.</param>
/// <param name="CreditsUsed">Credits used by responses.</param>
/// <param name="CreditsBought">Credits of completed purchases.</param>
/// <param name="CostUsd">Cost in US dollars.</param>
/// <param name="PaidUsd">Amount of completed purchases in US dollars.</param>
internal sealed record UserSums(long Requests, long Tokens, decimal CreditsUsed, decimal CreditsBought, decimal CostUsd, decimal PaidUsd)
{
    /// <summary>Nothing.</summary>
    internal static readonly UserSums None = new(0, 0, 0, 0, 0, 0);
}

/// <summary>A day of the charts.</summary>
/// <param name="Day">The calendar day in the reporting time zone.</param>
/// <param name="Requests">Number of usage logs.</param>
/// <param name="Failed">How many of them failed; of logs that retention has dropped, nobody knows.</param>
/// <param name="CostUsd">Their cost in US dollars.</param>
internal sealed record UserDay(DateOnly Day, long Requests, long Failed, decimal CostUsd);

/// <summary>A purchase of credits.</summary>
/// <param name="Id">The purchase's id.</param>
/// <param name="At">When it was started, in UTC.</param>
/// <param name="AmountUsd">Its price in US dollars.</param>
/// <param name="Credits">What it brings.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Version">The version of its row, for decisions.</param>
internal sealed record PurchaseRow(Guid Id, DateTime At, decimal AmountUsd, decimal Credits, PurchaseStatus Status, uint Version);

/// <summary>What a user bought.</summary>
/// <param name="Rows">The newest purchases first.</param>
/// <param name="HasMore">Whether there are older ones.</param>
internal sealed record UserPurchases(IReadOnlyList<PurchaseRow> Rows, bool HasMore);

/// <summary>One AI response.</summary>
/// <param name="Id">The log's id.</param>
/// <param name="At">When, in UTC.</param>
/// <param name="Model">The model that answered.</param>
/// <param name="PromptTokens">Tokens of the question.</param>
/// <param name="CompletionTokens">Tokens of the answer.</param>
/// <param name="Credits">Credits used.</param>
/// <param name="CostUsd">Cost in US dollars.</param>
/// <param name="Status">How it ended.</param>
internal sealed record LogRow(
    Guid Id, DateTime At, string Model, int PromptTokens, int CompletionTokens, decimal Credits, decimal CostUsd, UsageLogStatus Status)
{
    /// <summary>Its place among the user's logs.</summary>
    internal LogCursor Cursor => new(At, Id);
}

/// <summary>A log that is looked at alone.</summary>
/// <param name="Log">The log.</param>
/// <param name="Email">Its user's e-mail address.</param>
/// <param name="IsOnFirstPage">Whether it is among the newest of the list that the reader came from.</param>
/// <param name="Version">The version of its row, for decisions.</param>
internal sealed record FoundLog(LogRow Log, string Email, bool IsOnFirstPage, uint Version);
