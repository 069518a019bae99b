using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>Signs browsers in and out, and writes that down, whether or not they wait for it.</summary>
internal sealed class SignIns(SessionStore sessions, Visitors visitors, Audit audit, IHostEnvironment environment)
{
    /// <summary>Begins a session.</summary>
    /// <param name="http">The browser's request.</param>
    /// <param name="account">Whose.</param>
    /// <param name="how">By what means, for the audit log.</param>
    internal async Task InAsync(HttpContext http, Account account, string how)
    {
        await http.SignInAsync(IdentityConstants.ApplicationScheme, SessionStore.PrincipalOf(account.Id), new AuthenticationProperties { IsPersistent = true });
        await audit.WriteAsync(http, account.Id, account.Email ?? "", AuditAction.SignedIn, "", how, CancellationToken.None);
    }

    /// <summary>Writes down that somebody was refused.</summary>
    /// <param name="http">The browser's request.</param>
    /// <param name="account">Whose account was tried; null for an unknown one.</param>
    /// <param name="typed">The e-mail address that was typed.</param>
    /// <param name="outcome">Why.</param>
    internal Task RefuseAsync(HttpContext http, Account? account, string typed, SignInOutcome outcome) => audit.WriteAsync(
        http,
        account?.Id,
        typed,
        outcome == SignInOutcome.LockedNow ? AuditAction.LockedOut : AuditAction.SignInFailed,
        "",
        outcome switch
        {
            SignInOutcome.Unknown => "no such account",
            SignInOutcome.Disabled => "the account is disabled",
            SignInOutcome.Locked => "the account is locked",
            SignInOutcome.LockedNow => $"{PasswordSignIn.MostFailures} failures: locked for {PasswordSignIn.LockOut.TotalMinutes} minutes",
            _ => "wrong password",
        },
        CancellationToken.None);

    /// <summary>Ends this browser's session.</summary>
    internal async Task OutAsync(HttpContext http)
    {
        await http.SignOutAsync(IdentityConstants.ApplicationScheme);
        if (http.Features.Get<Visitor>() is { } visitor)
            visitors.Forget(visitor.AccountId);
        Clear(http);
        await audit.WriteAsync(http, AuditAction.SignedOut, "", "", CancellationToken.None);
    }

    /// <summary>Ends the sessions of all browsers of who asks.</summary>
    internal async Task OutEverywhereAsync(HttpContext http, Visitor visitor)
    {
        var count = await sessions.EndAsync(visitor.AccountId, but: null, CancellationToken.None);
        await http.SignOutAsync(IdentityConstants.ApplicationScheme);
        visitors.Forget(visitor.AccountId);
        Clear(http);
        await audit.WriteAsync(http, visitor, AuditAction.SignedOutEverywhere, "", $"{count} browsers", CancellationToken.None);
    }

    // In Development the site comes by plain http, where browsers ignore it and complain.
    private void Clear(HttpContext http)
    {
        if (!environment.IsDevelopment())
            http.Response.Headers["Clear-Site-Data"] = "\"cache\"";
    }
}
