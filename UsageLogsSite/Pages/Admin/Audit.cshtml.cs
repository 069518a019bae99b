using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Pages.Admin;

/// <summary>Who did what, newest first. Each page begins where the one before ended, however much is written meanwhile.</summary>
[ResponseCache(NoStore = true)]
internal sealed class AuditModel(IDbContextFactory<UsageDbContext> contexts) : PageModel
{
    private const int PageSize = 50;

    /// <summary>Only this action; null for all.</summary>
    public AuditAction? Action { get; private set; }

    /// <summary>Only of those whose e-mail address contains this; empty for all.</summary>
    public string Who { get; private set; } = "";

    /// <summary>The entries of this page.</summary>
    public IReadOnlyList<AuditEntry> Entries { get; private set; } = [];

    /// <summary>The address of older entries; null if there are none.</summary>
    public string? Older { get; private set; }

    /// <summary>Whether newer entries stand before these.</summary>
    public bool HasNewer { get; private set; }

    /// <summary>The page. Values that are not allowed count as left out.</summary>
    public async Task OnGetAsync(string? action, string? who, string? before, CancellationToken cancellation)
    {
        Action = Enum.TryParse<AuditAction>(action, out var known) && Enum.IsDefined(known) ? known : null;
        Who = who?.Replace("\0", "", StringComparison.Ordinal).Trim() ?? "";
        var last = long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : long.MaxValue;
        HasNewer = last < long.MaxValue;

        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var found = database.AuditLog.Where(e => e.Id < last);
        if (Action is { } one)
            found = found.Where(e => e.Action == one);
        if (Who.Length > 0)
            found = found.Where(e => EF.Functions.ILike(e.Who, $"%{Escaped}%", "\\"));

        var entries = await found.OrderByDescending(e => e.Id).Take(PageSize + 1).ToListAsync(cancellation);
        Entries = entries[..Math.Min(PageSize, entries.Count)];
        if (entries.Count > PageSize)
            Older = Address(Entries[^1].Id);
    }

    /// <summary>This filter's address, from its newest entry on.</summary>
    public string Newest => Address(before: null);

    private string Escaped => Who.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);

    private string Address(long? before) => "/admin/audit" + QueryString.Create(
        new[] { ("action", Action?.ToString()), ("who", Who), ("before", before?.ToString(CultureInfo.InvariantCulture)) }
            .Where(p => !string.IsNullOrEmpty(p.Item2)).Select(p => KeyValuePair.Create(p.Item1, p.Item2)));
}
