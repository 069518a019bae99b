using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Data;
using UsageLogsSite.Ingest;

namespace UsageLogsSite.Pages.Admin;

/// <summary>The API keys of applications that write over HTTP: made, shown once, and revoked.</summary>
[ResponseCache(NoStore = true)]
internal sealed class KeysModel(ApiKeyChanges changes) : PageModel
{
    /// <summary>All keys, the newest first.</summary>
    public IReadOnlyList<ApiKey> Keys { get; private set; } = [];

    /// <summary>What is typed for the next one's name.</summary>
    public string? Name { get; private set; }

    /// <summary>What is typed for its source.</summary>
    public string? Source { get; private set; }

    /// <summary>The scopes that are chosen for it.</summary>
    public string[] Scopes { get; private set; } = RowKind.Scopes;

    /// <summary>What was done, for people.</summary>
    public string? Done { get; private set; }

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    /// <summary>The key that was made, to be shown once; null if none was.</summary>
    public string? Key { get; private set; }

    /// <summary>The page.</summary>
    public Task OnGetAsync(CancellationToken cancellation) => ReadAsync(cancellation);

    /// <summary>Makes a key; it is shown once.</summary>
    public async Task<IActionResult> OnPostAddAsync(string? name, string? source, string[]? scopes, CancellationToken cancellation)
    {
        try
        {
            (Key, var stored) = await changes.AddAsync(HttpContext, name, source, scopes ?? [], cancellation);
            Done = $"{stored.Name} is made.";
        }
        catch (FormatException e)
        {
            Problem = e.Message;
            (Name, Source, Scopes) = (name, source, scopes ?? []);
        }

        await ReadAsync(cancellation);
        return Page();
    }

    /// <summary>Revokes a key for good.</summary>
    public async Task<IActionResult> OnPostRevokeAsync(Guid id, CancellationToken cancellation)
    {
        if (await changes.RevokeAsync(HttpContext, id, cancellation) is { } key)
            Done = $"{key.Name} is revoked: it is refused within seconds.";
        else
            Problem = "There is no such key that was not revoked.";
        await ReadAsync(cancellation);
        return Page();
    }

    private async Task ReadAsync(CancellationToken cancellation) => Keys = await changes.ListAsync(cancellation);
}
