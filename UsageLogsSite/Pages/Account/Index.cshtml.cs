using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Pages.Account;

/// <summary>Who I am, where I am signed in, and my password.</summary>
[ResponseCache(NoStore = true)]
internal sealed class IndexModel(UsageDbContext database, Accounts accounts, PasswordSignIn passwords, SignIns signIns, Audit audit) : PageModel
{
    /// <summary>Who asks.</summary>
    public Visitor Me => HttpContext.Features.GetRequiredFeature<Visitor>();

    /// <summary>The browsers that are signed in, newest first.</summary>
    public IReadOnlyList<Session> Sessions { get; private set; } = [];

    /// <summary>Whether there is a password to be changed.</summary>
    public bool HasPassword { get; private set; }

    /// <summary>Whether this browser saves data.</summary>
    public bool SavesData => Request.SavesData();

    /// <summary>What was done, for people.</summary>
    public string? Done { get; private set; }

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    /// <summary>The page.</summary>
    public Task OnGetAsync(CancellationToken cancellation) => ReadAsync(cancellation);

    /// <summary>Changes the password and ends all other sessions.</summary>
    public async Task<IActionResult> OnPostPasswordAsync(
        [StringLength(PasswordSignIn.LongestPassword)] string? current, [StringLength(PasswordSignIn.LongestPassword)] string? password, CancellationToken cancellation)
    {
        var account = await accounts.FindAsync(Me.AccountId);
        if (account is null)
            return Challenge();
        if (!ModelState.IsValid || password is null)
            Problem = $"A password has {PasswordSignIn.ShortestPassword} to {PasswordSignIn.LongestPassword} characters.";
        else if (account.PasswordHash is not null && (await passwords.CheckAsync(Me.Email, current ?? "", cancellation)).Outcome != SignInOutcome.Right)
            Problem = $"The current password is not right. After {PasswordSignIn.MostFailures} failures the account rests for {PasswordSignIn.LockOut.TotalMinutes} minutes.";
        else
            await ChangeAsync(account, password, cancellation);
        await ReadAsync(cancellation);
        return Page();
    }

    /// <summary>Ends the session of another browser of mine.</summary>
    public async Task<IActionResult> OnPostEndAsync(string? id, CancellationToken cancellation)
    {
        var hash = new byte[32];
        if (id is null || !Convert.TryFromBase64String(id, hash, out var length) || length != hash.Length)
            return BadRequest();
        await database.Sessions.Where(s => s.AccountId == Me.AccountId && s.Id == hash).ExecuteDeleteAsync(cancellation);
        await audit.WriteAsync(HttpContext, AuditAction.SignedOut, "", "another browser", cancellation);
        return LocalRedirect("/account");
    }

    /// <summary>Turns the saving of data on or off in this browser.</summary>
    public IActionResult OnPostData(bool saves)
    {
        DataSaving.Remember(HttpContext, saves);
        return LocalRedirect("/account");
    }

    /// <summary>Signs out of all browsers, this one included.</summary>
    public async Task<IActionResult> OnPostEverywhereAsync()
    {
        await signIns.OutEverywhereAsync(HttpContext, Me);
        return LocalRedirect(AccessSetup.SignInPath);
    }

    private async Task ChangeAsync(Data.Account account, string password, CancellationToken cancellation)
    {
        try
        {
            await accounts.ResetPasswordAsync(account, password, but: Me.SessionId, cancellation);
            await audit.WriteAsync(HttpContext, AuditAction.ChangedPassword, "", "", cancellation);
            Done = "The password is changed. All other browsers are signed out.";
        }
        catch (AccountException e)
        {
            Problem = e.Message;
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        var me = Me.AccountId;
        HasPassword = await database.Accounts.AnyAsync(a => a.Id == me && a.PasswordHash != null, cancellation);
        Sessions = await database.Sessions.AsNoTracking().Where(s => s.AccountId == me && s.ExpiresAt > DateTime.UtcNow)
            .OrderByDescending(s => s.CreatedAt).ToListAsync(cancellation);
    }
}
