using Microsoft.AspNetCore.Http.Features;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Alerts;

/// <summary>The alerts of the last minute, for pages that were told of one: the stream itself carries no data.</summary>
internal sealed class NewAlerts(IDbContextFactory<UsageDbContext> contexts, TimeProvider time)
{
    private const int Most = 5;

    private static readonly TimeSpan New = TimeSpan.FromMinutes(1);

    /// <summary>Answers with JSON, the newest first. Where to read on is told to owners, whose page it is.</summary>
    internal async Task<IResult> AnswerAsync(HttpContext http, CancellationToken cancellation)
    {
        http.Response.Headers.CacheControl = "no-store";
        var href = http.Features.GetRequiredFeature<Visitor>().Role == AccountRole.Owner ? "/admin/alerts" : null;
        var since = time.GetUtcNow().UtcDateTime - New;
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var found = await (
            from a in database.Alerts
            join r in database.AlertRules on a.RuleId equals r.Id
            where !a.IsKnown && a.FiredAt > since
            orderby a.FiredAt descending, a.Id
            select new { a.Id, a.Value, r.Name, r.Kind, User = database.Users.Where(u => u.Id == a.UserId).Select(u => u.Name).FirstOrDefault() })
            .Take(Most).ToListAsync(cancellation);
        return Results.Json(found.Select(a => new
        {
            a.Id,
            a.Name,
            Text = (a.User is null ? "" : $"{a.User}: ") + AlertText.Of(a.Kind, a.Value),
            Href = href,
        }));
    }
}
