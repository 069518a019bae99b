using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Pages.Admin;

/// <summary>Who may sign in, and what they may see.</summary>
[ResponseCache(NoStore = true)]
internal sealed class AccountsModel(AccountChanges changes, UsageDbContext database) : PageModel
{
    /// <summary>All accounts, by e-mail address.</summary>
    public IReadOnlyList<AccountRow> Rows { get; private set; } = [];

    /// <summary>Who asks.</summary>
    public Visitor Me => HttpContext.Features.GetRequiredFeature<Visitor>();

    /// <summary>What was done, for people.</summary>
    public string? Done { get; private set; }

    /// <summary>A password to be told once; null if none was made.</summary>
    public string? NewPassword { get; private set; }

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    /// <summary>The page.</summary>
    public Task OnGetAsync(CancellationToken cancellation) => ReadAsync(cancellation);

    /// <summary>Makes an account with a password that is shown once.</summary>
    public Task<IActionResult> OnPostAddAsync([StringLength(Access.Accounts.LongestEmail)] string? email, AccountRole role, [StringLength(Access.Accounts.LongestEmail)] string? user, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                NewPassword = Access.Accounts.NewPassword();
                await changes.AddAsync(HttpContext, email?.Trim() ?? "", role, user, NewPassword, cancellation);
                Done = $"There is an account of {email} now.";
            },
            cancellation);

    /// <summary>Changes what an account may see and do.</summary>
    public Task<IActionResult> OnPostChangeAsync(Guid id, AccountRole role, [StringLength(Access.Accounts.LongestEmail)] string? user, bool disabled, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                await changes.ChangeAsync(HttpContext, id, role, user, disabled, cancellation);
                Done = "The account is changed.";
            },
            cancellation);

    /// <summary>Gives an account a new password, which is shown once.</summary>
    public Task<IActionResult> OnPostPasswordAsync(Guid id, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                NewPassword = Access.Accounts.NewPassword();
                Done = $"{await changes.ResetPasswordAsync(HttpContext, id, NewPassword, cancellation)} has a new password, and is signed out everywhere.";
            },
            cancellation);

    /// <summary>Ends all sessions of an account.</summary>
    public Task<IActionResult> OnPostEndAsync(Guid id, CancellationToken cancellation) =>
        DoAsync(
            async () => Done = $"{await changes.EndSessionsAsync(HttpContext, id, cancellation)} is signed out everywhere.",
            cancellation);

    private async Task<IActionResult> DoAsync(Func<Task> change, CancellationToken cancellation)
    {
        try
        {
            if (!ModelState.IsValid)
                throw new AccountException("A value is not allowed.");
            await change();
        }
        catch (AccountException e)
        {
            (Problem, Done, NewPassword) = (e.Message, null, null);
        }

        await ReadAsync(cancellation);
        return Page();
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        var now = DateTime.UtcNow;
        Rows = await database.Accounts.AsNoTracking().OrderBy(a => a.NormalizedEmail).Select(a => new AccountRow(
            a.Id,
            a.Email ?? "",
            a.Role,
            a.IsDisabled,
            a.UserId,
            database.Users.Where(u => u.Id == a.UserId).Select(u => u.Email).FirstOrDefault(),
            database.Sessions.Count(s => s.AccountId == a.Id && s.ExpiresAt > now))).ToListAsync(cancellation);
    }
}

/// <summary>An account as owners see it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Email">Its address.</param>
/// <param name="Role">What it may see and do.</param>
/// <param name="IsDisabled">Whether it cannot sign in.</param>
/// <param name="UserId">Whose usage a member sees; null for none.</param>
/// <param name="UserEmail">That user's address; null if there is no such user.</param>
/// <param name="Sessions">In how many browsers it is signed in.</param>
internal sealed record AccountRow(Guid Id, string Email, AccountRole Role, bool IsDisabled, Guid? UserId, string? UserEmail, int Sessions);
