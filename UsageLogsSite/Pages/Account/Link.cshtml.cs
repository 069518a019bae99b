using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Opened with one click: the demo's link, which signs in once.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class LinkModel(SignInLinks links, Accounts accounts, SignIns signIns) : PageModel
{
    /// <summary>Signs in; who is signed in already does not use the link up.</summary>
    public async Task<IActionResult> OnGetAsync(string token)
    {
        Response.Headers["Referrer-Policy"] = "no-referrer"; // the address is the secret
        if (User.Identity is { IsAuthenticated: true })
            return LocalRedirect("/usage");
        if (links.Redeem(token) is not { } id || await accounts.FindAsync(id) is not { IsDisabled: false } account)
        {
            Response.StatusCode = StatusCodes.Status404NotFound;
            return Page();
        }

        await signIns.InAsync(HttpContext, account, "by the link that the start printed");
        return LocalRedirect("/usage");
    }
}
