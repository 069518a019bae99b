using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// One user's sums, days and logs, of a single snapshot. A member asks as a member: what these statements name is what is wanted, and what
/// is allowed is row-level security's to say.
/// </summary>
/// <param name="admin">Reads for those who see everything.</param>
/// <param name="members">Reads for members.</param>
/// <param name="models">Adds logs up by model.</param>
/// <param name="time">Says which day it is.</param>
/// <param name="zone">The zone of days.</param>
internal sealed class UserHistory(
    AdminDatabase admin, MemberDatabase members, UserModels models, TimeProvider time, TimeZoneInfo zone)
{
    /// <summary>Days of the charts where no period says which.</summary>
    private const int ChartDays = 30;

    private const int MostNotes = 50;
    /// <summary>Purchases shown, and where all are asked for.</summary>
    private const int FewPurchases = 5, ManyPurchases = 200;

    /// <summary>Answers a question about one user; a user who is not there has no usage.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<UserView> ReadAsync(UserQuestion question, CancellationToken cancellation)
    {
        if (question.Scope.UserId is { } self)
            return await members.ReadAsync(self, (database, token) => ReadAsync(database, question, token), cancellation);
        return await admin.ReadSnapshotAsync((database, token) => ReadAsync(database, question, token), cancellation);
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
        var uses = await models.ReadAsync(database, question, days, now, cancellation);
        var (logs, isLast) = await LogsAsync(database, question, period, uses, now, cancellation);
        return new UserView(
            question, ToShown(question, found.User, found.Total, await NotesAsync(database, question, cancellation)), period is null ? ToSums(found.Total) : Sum(days), Chart(days, uses, shown), zone.Id, logs, isLast,
            now.Midnight, UserUse.Of(uses, question.Filter), await PurchasesAsync(database, question, cancellation));
    }

    /// <summary>A user's days of a range, in no order; each is looked up, as the table is ordered by day, and then by user.</summary>
    internal static IQueryable<KeptDay> Days(UsageDbContext database, Guid userId, DateRange range)
    {
        var names = Enumerable.Range(0, range.Length).Select(range.First.AddDays).ToArray();
        return database.Database.SqlQuery<KeptDay>(
            $"""
            SELECT d.day, d.requests, d.tokens, d.credits_used, d.credits_bought, d.cost_usd, d.revenue_usd, d.xmin::text::bigint AS version
            FROM unnest({names}) n
            CROSS JOIN LATERAL (SELECT xmin, * FROM usage_days WHERE day = n AND user_id = {userId} LIMIT 1) d
            """);
    }

    private static async Task<(IReadOnlyList<LogRow> Logs, bool IsLast)> LogsAsync(
        UsageDbContext database, UserQuestion question, DateRange? period, IReadOnlyList<ModelUse> uses, ReportingTime now, CancellationToken cancellation)
    {
        // Days without a match need not be looked through: which these are is known.
        if (period is not null && question.Filter.IsNarrowed)
        {
            var matching = uses.Where(u => UserUse.Matches(u, question.Filter)).Select(u => u.Day).ToList();
            if (matching.Count == 0)
                return ([], true);
            period = new DateRange(matching.Min(), matching.Max());
        }

        var found = await Logs(database, question, period, now).Take(question.Filter.Size + 1).ToListAsync(cancellation);
        return (found.Take(question.Filter.Size).ToList(), found.Count <= question.Filter.Size);
    }

    /// <summary>The logs that a question is about, newest first; a page takes some of them, a file all.</summary>
    internal static IQueryable<LogRow> Logs(UsageDbContext database, UserQuestion question, DateRange? period, ReportingTime now)
    {
        var filter = question.Filter;
        var logs = database.UsageLogs.Where(l => l.UserId == question.UserId);
        if (period is { } days)
        {
            var (start, end) = (now.UtcOf(days.First, 0), now.UtcOf(days.Last.AddDays(1), 0));
            logs = logs.Where(l => l.CreatedAt >= start && l.CreatedAt < end);
        }

        // The first condition is what the index and the partitions are looked up by.
        if (filter.Before is { } before)
            logs = logs.Where(l => l.CreatedAt <= before.At && EF.Functions.LessThan(ValueTuple.Create(l.CreatedAt, l.Id), ValueTuple.Create(before.At, before.Id)));
        if (filter.Model is { } model)
            logs = logs.Where(l => l.Model == model);

        // Constants: the index of failures is found by what the condition says.
        logs = filter.Status switch
        {
            StatusFilter.Succeeded => logs.Where(l => l.Status == UsageLogStatus.Succeeded),
            StatusFilter.Failed => logs.Where(l => l.Status == UsageLogStatus.Failed),
            _ => logs,
        };
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

    /// <summary>One log of a user; null where there is none, or it is somebody else's.</summary>
    /// <param name="list">Whose, and the list that the reader came from.</param>
    /// <param name="logId">The log.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<FoundLog?> FindLogAsync(UserQuestion list, Guid logId, CancellationToken cancellation)
    {
        if (list.Scope.UserId is { } self)
            return await members.ReadAsync(self, (database, token) => FindLogAsync(database, list, logId, token), cancellation);
        return await admin.ReadSnapshotAsync((database, token) => FindLogAsync(database, list, logId, token), cancellation);
    }

    private async Task<FoundLog?> FindLogAsync(UsageDbContext database, UserQuestion list, Guid logId, CancellationToken cancellation)
    {
        if (await Log(database, list.UserId, logId).SingleOrDefaultAsync(cancellation) is not { } found)
            return null;
        var log = new LogRow(found.Id, found.CreatedAt, found.Model, found.PromptTokens, found.CompletionTokens, found.Credits, found.CostUsd, found.Status);
        var now = new ReportingTime(time.GetUtcNow().UtcDateTime, zone);
        var first = list with { Filter = list.Filter with { Before = null } };
        var newest = await Logs(database, first, list.Filter.Period.On(now.Today), now).Take(list.Filter.Size).ToListAsync(cancellation);
        var email = await database.Users.Where(u => u.Id == list.UserId).Select(u => u.Email).SingleAsync(cancellation);
        return new FoundLog(log, email, newest.Contains(log), found.Version);
    }

    /// <summary>A user's log by its id: one look in each month's index.</summary>
    internal static IQueryable<UsageLog> Log(UsageDbContext database, Guid userId, Guid logId) =>
        database.UsageLogs.Where(l => l.Id == logId && l.UserId == userId)
            .OrderByDescending(l => l.CreatedAt).Take(1); // the key has the time in it, too: nothing keeps a writer from using an id twice

    private static async Task<UserPurchases> PurchasesAsync(UsageDbContext database, UserQuestion question, CancellationToken cancellation)
    {
        var most = question.Filter.AllPurchases ? ManyPurchases : FewPurchases;
        var found = await Purchases(database, question.UserId).Take(most + 1).ToListAsync(cancellation);
        return new UserPurchases([.. found.Take(most)], found.Count > most);
    }

    /// <summary>A user's purchases, newest first.</summary>
    internal static IQueryable<PurchaseRow> Purchases(UsageDbContext database, Guid userId) =>
        database.CreditPurchases.Where(p => p.UserId == userId)
            .OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id)
            .Select(p => new PurchaseRow(p.Id, p.CreatedAt, p.AmountUsd, p.Credits, p.Status, p.Version));

    private static ShownUser ToShown(UserQuestion question, User user, UsageTotal? total, IReadOnlyList<ShownNote> notes) => new(
        user.Id, user.Name, user.Email, user.UserType, user.CreatedAt, total?.CreditsBought ?? 0, total?.CreditsUsed ?? 0, total?.CompletedPayments ?? 0,
        total is null || total.LastActivity == UsageTotal.Never ? null : total.LastActivity, question.Scope == Scope.Everything ? user.Version : 0, notes);

    private static UserSums ToSums(UsageTotal? total) => total is null
        ? UserSums.None
        : new UserSums(total.Requests, total.Tokens, total.CreditsUsed, total.CreditsBought, total.CostUsd, total.RevenueUsd);

    private static UserSums Sum(IReadOnlyCollection<KeptDay> days) => new(
        days.Sum(d => d.Requests), days.Sum(d => d.Tokens), days.Sum(d => d.CreditsUsed), days.Sum(d => d.CreditsBought),
        days.Sum(d => d.CostUsd), days.Sum(d => d.RevenueUsd));

    private static List<UserDay> Chart(IEnumerable<KeptDay> days, IEnumerable<ModelUse> uses, DateRange range)
    {
        var known = days.ToDictionary(d => d.Day);
        var failed = uses.Where(u => u.HasFailed).GroupBy(u => u.Day).ToDictionary(d => d.Key, d => d.Sum(u => u.Requests));
        return [.. Enumerable.Range(0, range.Length).Select(range.First.AddDays).Select(day =>
            known.TryGetValue(day, out var used) ? new UserDay(day, used.Requests, failed.GetValueOrDefault(day), used.CostUsd) : new UserDay(day, 0, 0, 0))];
    }
}
