using System.Globalization;
using CsvHelper;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// Everything that a question is about as comma-separated values (RFC 4180, UTF-8), row by row as the database finds it. Times are in UTC,
/// and in the reporting time zone at the end; a text that a spreadsheet would take for a formula gets an apostrophe in front.
/// </summary>
/// <param name="admin">Reads for those who see everything.</param>
/// <param name="members">Reads for members.</param>
/// <param name="time">Gives the end of the sliding windows.</param>
/// <param name="zone">The zone of days.</param>
internal sealed class UsageExport(AdminDatabase admin, MemberDatabase members, TimeProvider time, TimeZoneInfo zone)
{
    private static readonly CsvWriterOptions Format = new() { Injection = CsvInjection.Escape, FormatProvider = CultureInfo.InvariantCulture };

    /// <summary>All digits that a sum of amounts can have, without zeros at its end.</summary>
    private const string EveryDigit = "0.##########";

    private const string LocalTime = "yyyy-MM-dd'T'HH:mm:ss.ffffffzzz";

    private static readonly string[] UserColumns =
    [
        "user_id", "name", "email", "user_type", "created_at_utc", "requests", "tokens", "credits_used", "credits_bought", "cost_usd", "revenue_usd",
        "completed_payments", "last_activity_utc", "last_activity_local", "time_zone",
    ];

    private static readonly string[] LogColumns =
    [
        "log_id", "user_id", "created_at_utc", "model", "prompt_tokens", "completion_tokens", "credits", "cost_usd", "status", "created_at_local", "time_zone",
    ];

    private static readonly string[] PurchaseColumns =
        ["purchase_id", "user_id", "created_at_utc", "amount_usd", "credits", "status", "created_at_local", "time_zone"];

    /// <summary>Writes the rows of a question, all pages, of one snapshot.</summary>
    /// <param name="question">What the page is about.</param>
    /// <param name="rows">Which rows are wanted.</param>
    /// <param name="output">Where the rows go, as they are found.</param>
    /// <param name="begin">Told how many rows there are, before the first is written.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="Npgsql.NpgsqlException">The database failed; what is written so far is incomplete.</exception>
    internal async Task WriteAsync(Question question, ExportedRows rows, Stream output, Action<long> begin, CancellationToken cancellation)
    {
        if (question.Scope.UserId is { } self)
            await members.ReadOnceAsync(self, WriteAsync, cancellation);
        else
            await admin.ReadOnceAsync(WriteAsync, cancellation);

        async Task<bool> WriteAsync(UsageDbContext database, CancellationToken token)
        {
            database.Database.SetCommandTimeout(TimeSpan.Zero); // as long as it takes: who asked may end it
            var now = new ReportingTime(time.GetUtcNow().UtcDateTime, zone);
            if (question is TableQuestion { Filter: var filter } && rows == ExportedRows.Users)
            {
                begin(await CountUsersAsync(database, filter, now, token));
                await WriteRowsAsync(output, UserColumns, Users(database, filter, now), WriteUser, token);
                return true;
            }

            if (rows == ExportedRows.Purchases)
            {
                var purchases = PurchasesOf(database, question, now);
                begin(await purchases.LongCountAsync(token));
                await WriteRowsAsync(output, PurchaseColumns, purchases.AsAsyncEnumerable(), WritePurchase, token);
                return true;
            }

            var logs = LogsOf(database, question, now);
            begin(await logs.LongCountAsync(token));
            await WriteRowsAsync(output, LogColumns, logs.AsAsyncEnumerable(), WriteLog, token);
            return true;
        }
    }

    private static async Task WriteRowsAsync<T>(
        Stream output, string[] columns, IAsyncEnumerable<T> rows, Action<CsvWriter, T> write, CancellationToken cancellation)
    {
        await using var csv = CsvWriter.Create(output, Format, leaveOpen: true);
        csv.WriteHeader(columns);
        await foreach (var row in rows.WithCancellation(cancellation))
        {
            write(csv, row);
            await csv.EndRecordAsync(cancellation);
        }

        await csv.FlushAsync(cancellation);
    }

    private static async Task<long> CountUsersAsync(UsageDbContext database, UsageFilter filter, ReportingTime now, CancellationToken cancellation) =>
        PeriodDates.Of(filter, now) is { } dates
            ? (await PeriodTable.ReadAsync(database, filter with { Page = 1, Size = 1 }, dates, now, cancellation)).Summary.Users
            : await database.Matching(filter).Where(filter, now.Utc).LongCountAsync(cancellation);

    private static IAsyncEnumerable<UsageRow> Users(UsageDbContext database, UsageFilter filter, ReportingTime now) =>
        PeriodDates.Of(filter, now) is { } dates
            ? PeriodTable.StreamAll(database, filter, dates, now)
            : database.Matching(filter).Where(filter, now.Utc).OrderBy(u => u, filter).AsAsyncEnumerable().Select(UsageTable.ToRow);

    private static IQueryable<ExportedLog> LogsOf(UsageDbContext database, Question question, ReportingTime now) => question switch
    {
        TableQuestion { Filter: var filter } => AllLogs(database, filter, now),
        UserQuestion user => UserHistory.Logs(database, user with { Filter = user.Filter with { Before = null } }, user.Filter.Period.On(now.Today), now)
            .Select(l => new ExportedLog(user.UserId, l)),
        _ => throw new InvalidOperationException($"A {question.GetType().Name} has no logs."),
    };

    /// <summary>The logs of all users that a filter keeps, user by user: in the order of the index, so that nothing waits for a sort.</summary>
    internal static IQueryable<ExportedLog> AllLogs(UsageDbContext database, UsageFilter filter, ReportingTime now)
    {
        var logs = database.UsageLogs.AsQueryable();
        if (filter.Period.On(now.Today) is { } days)
        {
            var (start, end) = (now.UtcOf(days.First, 0), now.UtcOf(days.Last.AddDays(1), 0));
            logs = logs.Where(l => l.CreatedAt >= start && l.CreatedAt < end);
        }

        var users = database.Matching(filter).Where(filter, now.Utc);
        return
            from log in logs
            join user in users on log.UserId equals user.Total.UserId
            orderby log.UserId, log.CreatedAt descending, log.Id
            select new ExportedLog(
                log.UserId, new LogRow(log.Id, log.CreatedAt, log.Model, log.PromptTokens, log.CompletionTokens, log.Credits, log.CostUsd, log.Status));
    }

    /// <summary>All purchases of a user, as their page shows them, or those of a list's users, in its period. In the order of the index.</summary>
    private static IQueryable<CreditPurchase> PurchasesOf(UsageDbContext database, Question question, ReportingTime now)
    {
        var purchases = database.CreditPurchases.AsQueryable();
        if (question is UserQuestion { UserId: var userId })
            return purchases.Where(p => p.UserId == userId).OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id);

        var filter = ((TableQuestion)question).Filter;
        if (filter.Period.On(now.Today) is { } days)
        {
            var (start, end) = (now.UtcOf(days.First, 0), now.UtcOf(days.Last.AddDays(1), 0));
            purchases = purchases.Where(p => p.CreatedAt >= start && p.CreatedAt < end);
        }

        var users = database.Matching(filter).Where(filter, now.Utc);
        return
            from purchase in purchases
            join user in users on purchase.UserId equals user.Total.UserId
            orderby purchase.UserId, purchase.CreatedAt descending, purchase.Id
            select purchase;
    }

    private void WriteUser(CsvWriter csv, UsageRow user)
    {
        csv.WriteField(user.UserId);
        csv.WriteField(Text(user.Name));
        csv.WriteField(Text(user.Email));
        csv.WriteField(Names.Of(user.Type));
        csv.WriteField(user.CreatedAt, "O");
        csv.WriteField(user.Requests);
        csv.WriteField(user.Tokens);
        csv.WriteField(user.CreditsUsed, EveryDigit);
        csv.WriteField(user.CreditsBought, EveryDigit);
        csv.WriteField(user.CostUsd, EveryDigit);
        csv.WriteField(user.RevenueUsd, EveryDigit);
        csv.WriteField(user.CompletedPayments);
        csv.WriteField(user.LastActivity, "O");
        csv.WriteField(user.LastActivity is { } last ? Local(last) : null, LocalTime);
        csv.WriteField(zone.Id);
    }

    private void WriteLog(CsvWriter csv, ExportedLog exported)
    {
        var (userId, log) = exported;
        csv.WriteField(log.Id);
        csv.WriteField(userId);
        csv.WriteField(log.At, "O");
        csv.WriteField(Text(log.Model));
        csv.WriteField(log.PromptTokens);
        csv.WriteField(log.CompletionTokens);
        csv.WriteField(log.Credits, EveryDigit);
        csv.WriteField(log.CostUsd, EveryDigit);
        csv.WriteField(Names.Of(log.Status));
        csv.WriteField(Local(log.At), LocalTime);
        csv.WriteField(zone.Id);
    }

    private void WritePurchase(CsvWriter csv, CreditPurchase purchase)
    {
        csv.WriteField(purchase.Id);
        csv.WriteField(purchase.UserId);
        csv.WriteField(purchase.CreatedAt, "O");
        csv.WriteField(purchase.AmountUsd, EveryDigit);
        csv.WriteField(purchase.Credits, EveryDigit);
        csv.WriteField(Names.Of(purchase.Status));
        csv.WriteField(Local(purchase.CreatedAt), LocalTime);
        csv.WriteField(zone.Id);
    }

    /// <summary>What spreadsheets also take for the beginning of a formula, some of them in East Asia only; CsvHelper knows those of ASCII but this line feed.</summary>
    private static string Text(string text) => text is ['\n' or '＝' or '＋' or '－' or '＠', ..] ? "'" + text : text;

    /// <summary>A time of UTC as the clocks of the reporting time zone show it, with their offset.</summary>
    private DateTimeOffset? Local(DateTime utc) => TimeZoneInfo.ConvertTime(new DateTimeOffset(utc), zone);
}

/// <summary>What a file has rows of.</summary>
internal enum ExportedRows
{
    /// <summary>The users of a list.</summary>
    Users,

    /// <summary>Logs.</summary>
    Logs,

    /// <summary>Purchases.</summary>
    Purchases,
}

/// <summary>A log in a file.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Log">The log.</param>
internal sealed record ExportedLog(Guid UserId, LogRow Log);
