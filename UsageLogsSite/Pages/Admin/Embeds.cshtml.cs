using System.Net;
using System.Text;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Pages.Usage;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Admin;

/// <summary>The widgets on other sites: made, looked at before anybody else can, and revoked.</summary>
[ResponseCache(NoStore = true)]
internal sealed class EmbedsModel(
    EmbedChanges changes, EmbedSecrets secrets, Accounts accounts, UsageDbContext database, FilterSets sets, UsageFragments fragments, TimeZoneInfo zone, TimeProvider time) : PageModel
{
    /// <summary>All widgets, the newest first.</summary>
    public IReadOnlyList<EmbedRow> Rows { get; private set; } = [];

    /// <summary>What is typed for the next one.</summary>
    public EmbedForm Form { get; private set; } = EmbedForm.New;

    /// <summary>What was done, for people.</summary>
    public string? Done { get; private set; }

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    /// <summary>What goes into the other site's page, to be shown once; null if no widget was made.</summary>
    public string? Snippet { get; private set; }

    /// <summary>What the other site's server keeps to sign who looks, to be shown once; null if no such widget was made.</summary>
    public string? Secret { get; private set; }

    /// <summary>The page of the widget that is looked at; null for none.</summary>
    public string? Preview { get; private set; }

    /// <summary>What the widget that is looked at is called.</summary>
    public string PreviewName { get; private set; } = "";

    /// <summary>The time, in UTC.</summary>
    public DateTime Now { get; } = time.GetUtcNow().UtcDateTime;

    /// <summary>The calendar day in the reporting time zone.</summary>
    public DateOnly Today => new ReportingTime(Now, zone).Today;

    /// <summary>The page.</summary>
    public Task OnGetAsync(CancellationToken cancellation) => ReadAsync(cancellation);

    /// <summary>Makes a widget; its token is shown once.</summary>
    public Task<IActionResult> OnPostAddAsync(EmbedForm form, CancellationToken cancellation) => DoAsync(form, AddAsync, cancellation);

    /// <summary>Shows the widget that the form describes, without making it.</summary>
    public Task<IActionResult> OnPostPreviewAsync(EmbedForm form, CancellationToken cancellation) =>
        DoAsync(form, async c => await PreviewAsync(await form.ReadAsync(accounts, Now, c), form.PerViewer, c), cancellation);

    /// <summary>Shows a widget as it is now, also one that is over: its token is not known here, and not needed.</summary>
    public Task<IActionResult> OnPostShowAsync(Guid id, CancellationToken cancellation) => DoAsync(
        EmbedForm.New,
        async c =>
        {
            var embed = await database.Embeds.AsNoTracking().SingleOrDefaultAsync(e => e.Id == id, c) ?? throw new FormatException("There is no such widget.");
            await PreviewAsync(embed, embed.IsPerViewer, c);
        },
        cancellation);

    /// <summary>Revokes a widget for good.</summary>
    public Task<IActionResult> OnPostRevokeAsync(Guid id, CancellationToken cancellation) => DoAsync(
        EmbedForm.New,
        async c => Done = await changes.RevokeAsync(HttpContext, id, c) is { } embed
            ? $"{embed.Name} is revoked: where it is open it ends within seconds."
            : throw new FormatException("There is no such widget that was not revoked."),
        cancellation);

    private async Task AddAsync(CancellationToken cancellation)
    {
        var embed = await Form.ReadAsync(accounts, Now, cancellation);
        var token = "TOKEN";
        if (Form.PerViewer)
            Secret = $"USAGE_EMBED_SECRET={await changes.AddPerViewerAsync(HttpContext, embed, secrets, cancellation)}\nUSAGE_EMBED_ID={embed.Id}";
        else
            token = await changes.AddAsync(HttpContext, embed, cancellation);
        var site = $"{Request.Scheme}://{Request.Host}{Request.PathBase}";
        var renew = Form.PerViewer ? " data-usage-renew=\"/my/usage-token\"" : "";
        Snippet = $"<iframe src=\"{site}{EmbedAddress.Prefix}{token}\"{renew} title=\"{WebUtility.HtmlEncode(embed.Name)}\" style=\"width: 100%; height: 480px; border: 0\"></iframe>\n"
            + $"<script async src=\"{site}/js/embed.js\"></script>";
        Done = $"{embed.Name} is made.";
        Form = EmbedForm.New;
    }

    private async Task PreviewAsync(Embed embed, bool isPerViewer, CancellationToken cancellation)
    {
        if (embed.Id == Guid.Empty)
            embed.Id = Guid.NewGuid(); // views are remembered by it
        var view = await sets.ReadAsync(EmbedQuestion.ForPreview(embed, isPerViewer), cancellation);
        Preview = Encoding.UTF8.GetString((await fragments.PageOfAsync(view)).For("").Bytes);
        PreviewName = embed.Name;
    }

    private async Task<IActionResult> DoAsync(EmbedForm form, Func<CancellationToken, Task> change, CancellationToken cancellation)
    {
        Form = form;
        try
        {
            if (!ModelState.IsValid)
                throw new FormatException("A value is not allowed.");
            await change(cancellation);
        }
        catch (FormatException e)
        {
            Problem = e.Message;
        }

        await ReadAsync(cancellation);
        return Page();
    }

    private async Task ReadAsync(CancellationToken cancellation) => Rows = await database.Embeds.AsNoTracking()
        .OrderByDescending(e => e.CreatedAt).ThenBy(e => e.Id)
        .Select(e => new EmbedRow(
            e,
            database.Users.Where(u => u.Id == e.UserId).Select(u => u.Email).FirstOrDefault(),
            database.Accounts.Where(a => a.Id == e.CreatedBy).Select(a => a.Email).FirstOrDefault()))
        .ToListAsync(cancellation);
}

/// <summary>A widget as owners see it.</summary>
/// <param name="Embed">The widget.</param>
/// <param name="UserEmail">The address of its one user; null if there is none.</param>
/// <param name="MakerEmail">The address of the account that made it; null for the command line, and for an account that is gone.</param>
internal sealed record EmbedRow(Embed Embed, string? UserEmail, string? MakerEmail);
