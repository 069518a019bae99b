using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Ends the session of this browser.</summary>
[ResponseCache(NoStore = true)]
internal sealed class SignOutModel(IHostEnvironment environment) : PageModel
{
    /// <summary>Signs out.</summary>
    public async Task<IActionResult> OnPostAsync()
    {
        await HttpContext.SignOutAsync(IdentityConstants.ApplicationScheme);
        if (!environment.IsDevelopment())
            Response.Headers["Clear-Site-Data"] = "\"cache\""; // over plain http browsers ignore it, and complain
        return LocalRedirect(AccessSetup.SignInPath);
    }
}
