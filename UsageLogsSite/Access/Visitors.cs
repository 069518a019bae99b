using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace UsageLogsSite.Access;

/// <summary>
/// Who asks, for what is asked often: remembered by the cookie's value, and forgotten as soon as PostgreSQL tells that an account's
/// sessions are over or mean something else. While it cannot be heard, nobody is remembered.
/// </summary>
internal sealed class Visitors(
    SessionStore sessions, HeldSessions held, IOptionsMonitor<CookieAuthenticationOptions> cookies, IHostEnvironment environment, TimeProvider time)
{
    private readonly GrantMemory<Visitor> _memory = new(visitor => visitor.AccountId);
    private readonly string _cookie = SiteCookie.NameOf(environment, AccessSetup.SessionCookie);

    /// <summary>
    /// Who asks. From memory where the cookie is known (next to no cost: the table's fragment is short-circuited past the authentication
    /// middleware), else by looking once. Null: nobody, or no longer.
    /// </summary>
    internal ValueTask<Visitor?> OfAsync(HttpContext http)
    {
        if (http.Request.Cookies[_cookie] is not { } cookie)
            return default;
        return _memory.Find(cookie) is { } known && known.Expires > time.GetUtcNow() ? new(known) : new(LookAsync(http, cookie));
    }

    /// <summary>
    /// Ties an open stream to a session: <paramref name="end"/> is called once, within 2 s after the session is over (signed out,
    /// disabled, role or user changed, expired). Disposing forgets it.
    /// </summary>
    internal IDisposable Hold(Visitor visitor, Action end)
    {
        var hold = held.Add(visitor, end);
        if (!_memory.Has(visitor))
            held.Check(visitor.AccountId); // something may have been heard before it was held
        return hold;
    }

    /// <summary>An account's sessions may be over or mean something else.</summary>
    /// <param name="payload">The account's id, as <c>usage_access_changed</c> tells it; anything else stands for all.</param>
    internal void Hear(string payload)
    {
        if (Guid.TryParse(payload, out var account))
        {
            Forget(account);
            return;
        }

        _memory.ForgetAll();
        held.Check(group: null);
    }

    /// <summary>An account's sessions have been ended by this instance, which need not wait to be told of it.</summary>
    internal void Forget(Guid account)
    {
        _memory.Forget(account);
        held.Check(account);
    }

    /// <summary>Notifications were missed, and are heard from now on: looks at all again.</summary>
    internal void Recheck()
    {
        _memory.ForgetAll(isTrusted: true);
        held.Check(group: null);
    }

    /// <summary>Notifications are not heard: answers from memory no more until <see cref="Recheck"/>.</summary>
    internal void Lose() => _memory.ForgetAll(isTrusted: false);

    /// <summary>Answers a script that nobody is signed in: a redirect would put the sign-in where it does not belong.</summary>
    internal static void Refuse(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        http.Response.Headers.CacheControl = "no-store";
    }

    private async Task<Visitor?> LookAsync(HttpContext http, string cookie)
    {
        var age = _memory.Age;
        var ticket = cookies.Get(IdentityConstants.ApplicationScheme).TicketDataFormat.Unprotect(cookie);

        // With a session store a cookie has one claim: the session's key.
        if (ticket?.Principal.Claims.FirstOrDefault()?.Value is not { } key || await sessions.FindAsync(key, http.RequestAborted) is not { } visitor)
            return null;
        _memory.Keep(cookie, visitor, age);
        return visitor;
    }
}
