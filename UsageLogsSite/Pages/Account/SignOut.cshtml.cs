using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Ends the session of this browser.</summary>
[ResponseCache(NoStore = true)]
internal sealed class SignOutModel(SignIns signIns) : PageModel
{
    /// <summary>Signs out.</summary>
    public async Task<IActionResult> OnPostAsync()
    {
        await signIns.OutAsync(HttpContext);
        return LocalRedirect(AccessSetup.SignInPath);
    }
}
