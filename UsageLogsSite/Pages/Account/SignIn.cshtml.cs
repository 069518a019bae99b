using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;
using UsageLogsSite.Access;

namespace UsageLogsSite.Pages.Account;

/// <summary>Where people sign in, and from where they go on to what they wanted to see.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed partial class SignInModel(
    PasswordSignIn passwords, SignIns signIns, SignInLimits limits, SignInLinks links, IOptions<ProviderOptions> provider, IHostEnvironment environment,
    ILogger<SignInModel> logger) : PageModel
{
    /// <summary>The e-mail address that was typed.</summary>
    [BindProperty]
    [StringLength(Accounts.LongestEmail)]
    public string? Email { get; set; }

    /// <summary>The password that was typed; it is never sent back.</summary>
    [BindProperty]
    [StringLength(PasswordSignIn.LongestPassword)]
    public string? Password { get; set; }

    /// <summary>Where to go on: an address of this site.</summary>
    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    /// <summary>How an attempt with the identity provider ended: <c>refused</c>, <c>failed</c> or nothing.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Provider { get; set; }

    /// <summary>The identity provider's name; null if there is none.</summary>
    public string? ProviderName => provider.Value.IsOn ? provider.Value.Name : null;

    /// <summary>Whether the last attempt was refused.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Seconds after which to try again, when there were too many attempts; null otherwise.</summary>
    public int? RetryAfter { get; private set; }

    /// <summary>Whether the start has printed a link that was not opened yet.</summary>
    public bool HasLink => links.IsOpen;

    /// <summary>Whether the browser will not send the session's cookie back, as it seems to be without https.</summary>
    public bool LacksHttps =>
        !environment.IsDevelopment() && !Request.IsHttps && Request.Headers["X-Forwarded-Proto"] != "https"
        && !SecurityHeaders.IsThisMachine(Request.Host.Host);

    /// <summary>The form; who is signed in already goes on.</summary>
    public IActionResult OnGet() => User.Identity is { IsAuthenticated: true } ? LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage")) : Page();

    /// <summary>Leads to the identity provider. A link and no form: the content security policy lets forms lead to this site only.</summary>
    public async Task<IActionResult> OnGetProviderAsync()
    {
        if (ProviderName is null)
            return NotFound();
        try
        {
            await HttpContext.ChallengeAsync(
                OpenIdConnectDefaults.AuthenticationScheme, new AuthenticationProperties { RedirectUri = LocalAddress.Or(ReturnUrl, "/usage") });
            return new EmptyResult();
        }
        catch (InvalidOperationException e) when (e.InnerException is IOException or HttpRequestException)
        {
            LogUnreachable(logger, e.Message);
            return LocalRedirect($"{AccessSetup.SignInPath}?provider=failed");
        }
    }

    /// <summary>Signs in, or says that this did not work: never why.</summary>
    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        // A session's key must not go from one account to another: whoever is signed in signs out first.
        if (User.Identity is { IsAuthenticated: true })
            return LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage"));
        if (limits.Refuse(HttpContext, Email ?? "") is { } wait)
            return Wait(wait);
        if (ModelState.IsValid && Email is not null && Password is not null)
        {
            var (account, outcome) = await passwords.CheckAsync(Email.Trim(), Password, cancellation);
            if (outcome == SignInOutcome.Right)
            {
                await signIns.InAsync(HttpContext, account!, "by password");
                return LocalRedirect(LocalAddress.Or(ReturnUrl, "/usage"));
            }

            await signIns.RefuseAsync(HttpContext, account, Email.Trim(), outcome);
        }

        IsRefused = true;
        ModelState.Clear();
        return Page();
    }

    [LoggerMessage(4004, LogLevel.Warning, "Access: the identity provider cannot be used: {Reason}")]
    private static partial void LogUnreachable(ILogger logger, string reason);

    private PageResult Wait(TimeSpan wait)
    {
        RetryAfter = (int)Math.Ceiling(wait.TotalSeconds);
        Response.StatusCode = StatusCodes.Status429TooManyRequests;
        Response.Headers.RetryAfter = RetryAfter.Value.ToString(CultureInfo.InvariantCulture);
        ModelState.Clear();
        return Page();
    }
}
