using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// One user's sums, days and logs, of a single snapshot. A member asks as a member: what these statements name is what is wanted, and what
/// is allowed is row-level security's to say.
/// </summary>
/// <param name="contexts">Makes contexts of those who see everything.</param>
/// <param name="members">Makes contexts of members.</param>
/// <param name="time">Says which day it is.</param>
/// <param name="zone">The zone of days.</param>
internal sealed class UserHistory(IDbContextFactory<UsageDbContext> contexts, MemberDatabase members, TimeProvider time, TimeZoneInfo zone)
{
    /// <summary>Days of the chart where no period says which.</summary>
    private const int ChartDays = 30;

    private const int MostNotes = 50;

    /// <summary>Answers a question about one user; a user who is not there has no usage.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<UserView> ReadAsync(UserQuestion question, CancellationToken cancellation)
    {
        if (question.Scope.UserId is { } self)
            return await members.ReadAsync(self, (database, token) => ReadAsync(database, question, token), cancellation);
        return await contexts.ReadAsync((database, token) => ReadAsync(database, question, token), cancellation);
    }

    private async Task<UserView> ReadAsync(UsageDbContext database, UserQuestion question, CancellationToken cancellation)
    {
        var now = new ReportingTime(time.GetUtcNow().UtcDateTime, zone);
        var period = question.Filter.Period.On(now.Today);
        var found = await database.Users.Where(u => u.Id == question.UserId)
            .Select(u => new { User = u, Total = database.UsageTotals.FirstOrDefault(t => t.UserId == u.Id) })
            .SingleOrDefaultAsync(cancellation);
        if (found is null)
            return new UserView(question, null, UserSums.None, [], zone.Id, [], IsLast: true, now.Midnight);

        var shown = period ?? new DateRange(now.Today.AddDays(1 - ChartDays), now.Today);
        var days = await Days(database, question.UserId, shown).ToListAsync(cancellation);
        var (logs, isLast) = await LogsAsync(database, question, period, now, cancellation);
        return new UserView(
            question, ToShown(question, found.User, found.Total, await NotesAsync(database, question, cancellation)), period is null ? ToSums(found.Total) : Sum(days), Chart(days, shown), zone.Id, logs, isLast, now.Midnight);
    }

    /// <summary>A user's days of a range, in no order; each is looked up, as the table is ordered by day, and then by user.</summary>
    internal static IQueryable<UsageDay> Days(UsageDbContext database, Guid userId, DateRange range)
    {
        var names = Enumerable.Range(0, range.Length).Select(range.First.AddDays).ToArray();
        return database.UsageDays.Where(d => names.Contains(d.Day) && d.UserId == userId);
    }

    private static async Task<(IReadOnlyList<LogRow> Logs, bool IsLast)> LogsAsync(
        UsageDbContext database, UserQuestion question, DateRange? period, ReportingTime now, CancellationToken cancellation)
    {
        var found = await Logs(database, question, period, now).Take(question.Filter.Size + 1).ToListAsync(cancellation);
        return (found.Take(question.Filter.Size).ToList(), found.Count <= question.Filter.Size);
    }

    /// <summary>The logs that a question is about, newest first; a page takes some of them, a file all.</summary>
    internal static IQueryable<LogRow> Logs(UsageDbContext database, UserQuestion question, DateRange? period, ReportingTime now)
    {
        var logs = database.UsageLogs.Where(l => l.UserId == question.UserId);
        if (period is { } days)
        {
            var (start, end) = (now.UtcOf(days.First, 0), now.UtcOf(days.Last.AddDays(1), 0));
            logs = logs.Where(l => l.CreatedAt >= start && l.CreatedAt < end);
        }

        // The first condition is what the index and the partitions are looked up by.
        if (question.Filter.Before is { } before)
            logs = logs.Where(l => l.CreatedAt <= before.At && EF.Functions.LessThan(ValueTuple.Create(l.CreatedAt, l.Id), ValueTuple.Create(before.At, before.Id)));

        return logs.OrderByDescending(l => l.CreatedAt).ThenByDescending(l => l.Id)
            .Select(l => new LogRow(l.Id, l.CreatedAt, l.Model, l.PromptTokens, l.CompletionTokens, l.Credits, l.CostUsd, l.Status));
    }

    /// <summary>The newest notes, oldest first. They are for those who see everything.</summary>
    private static async Task<IReadOnlyList<ShownNote>> NotesAsync(UsageDbContext database, UserQuestion question, CancellationToken cancellation)
    {
        if (question.Scope != Scope.Everything)
            return [];
        var newest = await database.UserNotes.Where(n => n.UserId == question.UserId)
            .OrderByDescending(n => n.CreatedAt).ThenByDescending(n => n.Id).Take(MostNotes)
            .Select(n => new ShownNote(n.Id, n.Text, n.Who, n.CreatedAt)).ToListAsync(cancellation);
        return [.. newest.AsEnumerable().Reverse()];
    }

    private static ShownUser ToShown(UserQuestion question, User user, UsageTotal? total, IReadOnlyList<ShownNote> notes) => new(
        user.Id, user.Name, user.Email, user.UserType, user.CreatedAt, (total?.CreditsBought - total?.CreditsUsed) ?? 0, total?.CompletedPayments ?? 0,
        total is null || total.LastActivity == UsageTotal.Never ? null : total.LastActivity, question.Scope == Scope.Everything ? user.Version : 0, notes);

    private static UserSums ToSums(UsageTotal? total) => total is null
        ? UserSums.None
        : new UserSums(total.Requests, total.Tokens, total.CreditsUsed, total.CreditsBought, total.CostUsd, total.RevenueUsd);

    private static UserSums Sum(IReadOnlyCollection<UsageDay> days) => new(
        days.Sum(d => d.Requests), days.Sum(d => d.Tokens), days.Sum(d => d.CreditsUsed), days.Sum(d => d.CreditsBought),
        days.Sum(d => d.CostUsd), days.Sum(d => d.RevenueUsd));

    private static List<UserDay> Chart(IEnumerable<UsageDay> days, DateRange range)
    {
        var known = days.ToDictionary(d => d.Day);
        return [.. Enumerable.Range(0, range.Length).Select(range.First.AddDays).Select(day =>
            known.TryGetValue(day, out var used) ? new UserDay(day, used.Requests, used.CostUsd) : new UserDay(day, 0, 0))];
    }
}
