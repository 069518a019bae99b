using System.Globalization;
using CsvHelper;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// Everything that a question is about as comma-separated values (RFC 4180, UTF-8), row by row as the database finds it. Times are in UTC; a
/// text that a spreadsheet would take for a formula gets an apostrophe in front.
/// </summary>
/// <param name="contexts">Makes contexts of those who see everything.</param>
/// <param name="members">Makes contexts of members.</param>
/// <param name="time">Gives the end of the sliding windows.</param>
/// <param name="zone">The zone of days.</param>
internal sealed class UsageExport(IDbContextFactory<UsageDbContext> contexts, MemberDatabase members, TimeProvider time, TimeZoneInfo zone)
{
    private static readonly CsvWriterOptions Format = new() { Injection = CsvInjection.Escape, FormatProvider = CultureInfo.InvariantCulture };

    /// <summary>All digits that a sum of amounts can have, without zeros at its end.</summary>
    private const string EveryDigit = "0.##########";

    private static readonly string[] UserColumns =
    [
        "user_id", "name", "email", "user_type", "created_at_utc", "requests", "tokens", "credits_used", "credits_bought", "cost_usd", "revenue_usd",
        "completed_payments", "last_activity_utc",
    ];

    private static readonly string[] LogColumns =
        ["log_id", "user_id", "created_at_utc", "model", "prompt_tokens", "completion_tokens", "credits", "cost_usd", "status"];

    /// <summary>Writes the rows of a question, all pages, of one snapshot.</summary>
    /// <returns>How many rows there were.</returns>
    /// <exception cref="Npgsql.NpgsqlException">The database failed; what is written so far is incomplete.</exception>
    internal async Task<long> WriteAsync(Question question, Stream output, CancellationToken cancellation)
    {
        await using var csv = CsvWriter.Create(output, Format, leaveOpen: true);
        if (question.Scope.UserId is { } self)
            return await members.ReadOnceAsync(self, (database, token) => WriteAsync(database, question, csv, token), cancellation);
        return await contexts.ReadOnceAsync((database, token) => WriteAsync(database, question, csv, token), cancellation);
    }

    private Task<long> WriteAsync(UsageDbContext database, Question question, CsvWriter csv, CancellationToken cancellation)
    {
        database.Database.SetCommandTimeout(TimeSpan.Zero); // as long as it takes: who asked may end it
        var now = new ReportingTime(time.GetUtcNow().UtcDateTime, zone);
        return question switch
        {
            TableQuestion { Filter: var filter } => WriteAsync(csv, UserColumns, Users(database, filter, now), WriteUser, cancellation),
            UserQuestion user => WriteAsync(csv, LogColumns, Logs(database, user, now), (to, log) => WriteLog(to, user.UserId, log), cancellation),
            _ => throw new InvalidOperationException($"A {question.GetType().Name} has no rows."),
        };
    }

    private static async Task<long> WriteAsync<T>(
        CsvWriter csv, string[] columns, IAsyncEnumerable<T> rows, Action<CsvWriter, T> write, CancellationToken cancellation)
    {
        csv.WriteHeader(columns);
        var count = 0L;
        await foreach (var row in rows.WithCancellation(cancellation))
        {
            write(csv, row);
            await csv.EndRecordAsync(cancellation);
            count++;
        }

        await csv.FlushAsync(cancellation);
        return count;
    }

    private static IAsyncEnumerable<UsageRow> Users(UsageDbContext database, UsageFilter filter, ReportingTime now) =>
        PeriodDates.Of(filter, now) is { } dates
            ? PeriodTable.StreamAll(database, filter, dates, now)
            : database.Matching(filter).Where(filter, now.Utc).OrderBy(u => u, filter).AsAsyncEnumerable().Select(UsageTable.ToRow);

    private static IAsyncEnumerable<LogRow> Logs(UsageDbContext database, UserQuestion question, ReportingTime now)
    {
        var all = question with { Filter = question.Filter with { Before = null } };
        return UserHistory.Logs(database, all, question.Filter.Period.On(now.Today), now).AsAsyncEnumerable();
    }

    private static void WriteUser(CsvWriter csv, UsageRow user)
    {
        csv.WriteField(user.UserId);
        csv.WriteField(user.Name);
        csv.WriteField(user.Email);
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
    }

    private static void WriteLog(CsvWriter csv, Guid userId, LogRow log)
    {
        csv.WriteField(log.Id);
        csv.WriteField(userId);
        csv.WriteField(log.At, "O");
        csv.WriteField(log.Model);
        csv.WriteField(log.PromptTokens);
        csv.WriteField(log.CompletionTokens);
        csv.WriteField(log.Credits, EveryDigit);
        csv.WriteField(log.CostUsd, EveryDigit);
        csv.WriteField(Names.Of(log.Status));
    }
}
