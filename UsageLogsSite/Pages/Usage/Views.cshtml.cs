using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Saved;

namespace UsageLogsSite.Pages.Usage;

/// <summary>The reader's own views: opened, saved, renamed and deleted. Of others' there is nothing to be learned: 404, as for those that never were.</summary>
[ResponseCache(NoStore = true)]
internal sealed class ViewsModel(SavedViews views) : PageModel
{
    private const string OwnAddress = "/usage/views";

    /// <summary>All views, by name.</summary>
    public IReadOnlyList<SavedView> Views { get; private set; } = [];

    /// <summary>What was to be saved, and was refused; null for nothing.</summary>
    public string? Unsaved { get; private set; }

    /// <summary>The name that was typed, if it was refused.</summary>
    public string Typed { get; private set; } = "";

    /// <summary>The view that is renamed, if its name was refused.</summary>
    public Guid? Renamed { get; private set; }

    /// <summary>The view that has the name which was refused; null for none.</summary>
    public SavedView? Taken => Views.FirstOrDefault(view => Typed.Length > 0 && view.NormalizedName == ViewName.Normalize(Typed));

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    private Visitor Me => HttpContext.Features.GetRequiredFeature<Visitor>();

    private ViewQuery Queries => new(Me, Request.SavesData());

    /// <summary>All views; with an id, opens that one.</summary>
    public async Task<IActionResult> OnGetAsync(Guid? id, CancellationToken cancellation)
    {
        Views = await views.ListAsync(Me.AccountId, cancellation);
        if (id is null)
            return Page();
        if (Views.FirstOrDefault(v => v.Id == id) is not { } view)
            return NotFound();
        OpenedView.Remember(HttpContext, view.Id);
        return Redirect("/usage" + Queries.Of(view.Query));
    }

    /// <summary>Saves what is shown as a view, and goes on showing it.</summary>
    public Task<IActionResult> OnPostSaveAsync(string? name, string? query, CancellationToken cancellation) => DoAsync(
        async () =>
        {
            (Typed, Unsaved) = (name ?? "", query ?? "");
            Typed = ViewName.Of(name);
            OpenedView.Remember(HttpContext, await views.AddAsync(Me.AccountId, Typed, Stored(query), cancellation));
            return Redirect(Queries.AddressOf(query ?? ""));
        },
        cancellation);

    /// <summary>Has a view show what is shown.</summary>
    public Task<IActionResult> OnPostReplaceAsync(Guid id, string? query, CancellationToken cancellation) => DoAsync(
        async () =>
        {
            if (!await views.ReplaceAsync(Me.AccountId, id, Stored(query), cancellation))
                return NotFound();
            OpenedView.Remember(HttpContext, id);
            return Redirect(Queries.AddressOf(query ?? ""));
        },
        cancellation);

    /// <summary>Gives a view another name.</summary>
    public Task<IActionResult> OnPostRenameAsync(Guid id, string? name, CancellationToken cancellation) => DoAsync(
        async () =>
        {
            (Typed, Renamed) = (name ?? "", id);
            return await views.RenameAsync(Me.AccountId, id, ViewName.Of(name), cancellation) ? LocalRedirect(OwnAddress) : NotFound();
        },
        cancellation);

    /// <summary>Deletes a view.</summary>
    public Task<IActionResult> OnPostDeleteAsync(Guid id, CancellationToken cancellation) => DoAsync(
        async () => await views.DeleteAsync(Me.AccountId, id, cancellation) ? LocalRedirect(OwnAddress) : NotFound(), cancellation);

    private string Stored(string? query) => Queries.Of(query ?? "") is { Length: <= SavedView.LongestQuery } stored
        ? stored
        : throw new FormatException("What is shown has too long an address to be saved.");

    private async Task<IActionResult> DoAsync(Func<Task<IActionResult>> change, CancellationToken cancellation)
    {
        if (!ModelState.IsValid)
            return NotFound(); // an id that is none
        try
        {
            return await change();
        }
        catch (FormatException e)
        {
            Problem = e.Message;
        }

        Views = await views.ListAsync(Me.AccountId, cancellation);
        Typed = Typed[..Math.Min(Typed.Length, SavedView.LongestName)];
        Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
        return Page();
    }
}
