using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Where people sign in, and from where they go on to what they wanted to see.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class SignInModel(PasswordSignIn signIn, IHostEnvironment environment) : PageModel
{
    /// <summary>The e-mail address that was typed.</summary>
    [BindProperty]
    [StringLength(256)]
    public string? Email { get; set; }

    /// <summary>The password that was typed; it is never sent back.</summary>
    [BindProperty]
    [StringLength(PasswordSignIn.LongestPassword)]
    public string? Password { get; set; }

    /// <summary>Where to go on: an address of this site.</summary>
    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    /// <summary>Whether the last attempt was refused.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Whether the browser will not send the session's cookie back, as it seems to be without https.</summary>
    public bool LacksHttps =>
        !environment.IsDevelopment() && !Request.IsHttps && Request.Headers["X-Forwarded-Proto"] != "https"
        && !(Request.Host.Host is "localhost" || (IPAddress.TryParse(Request.Host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)));

    /// <summary>The form; who is signed in already goes on.</summary>
    public IActionResult OnGet() => User.Identity is { IsAuthenticated: true } ? LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage")) : Page();

    /// <summary>Signs in, or says that this did not work: never why.</summary>
    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        // A session's key must not go from one account to another: whoever is signed in signs out first.
        if (User.Identity is { IsAuthenticated: true })
            return LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage"));
        if (ModelState.IsValid && Email is not null && Password is not null)
        {
            var (account, outcome) = await signIn.CheckAsync(Email.Trim(), Password, cancellation);
            if (outcome == SignInOutcome.Right)
            {
                await HttpContext.SignInAsync(
                    IdentityConstants.ApplicationScheme, SessionStore.PrincipalOf(account!.Id), new AuthenticationProperties { IsPersistent = true });
                return LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage"));
            }
        }

        IsRefused = true;
        ModelState.Clear();
        return Page();
    }
}
