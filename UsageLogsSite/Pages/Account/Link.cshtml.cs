using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Opened with one click: the demo's link, which signs in once.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class LinkModel(SignInLinks links) : PageModel
{
    /// <summary>Signs in; who is signed in already does not use the link up.</summary>
    public async Task<IActionResult> OnGetAsync(string token)
    {
        Response.Headers["Referrer-Policy"] = "no-referrer"; // the address is the secret
        if (User.Identity is { IsAuthenticated: true })
            return LocalRedirect("/usage");
        if (links.Redeem(token) is not { } account)
        {
            Response.StatusCode = StatusCodes.Status404NotFound;
            return Page();
        }

        await HttpContext.SignInAsync(IdentityConstants.ApplicationScheme, SessionStore.PrincipalOf(account), new AuthenticationProperties { IsPersistent = true });
        return LocalRedirect("/usage");
    }
}
